# systemd's part of a service's life: the notify socket, the watchdog, the store of descriptors.
#	store.py SEKISHOD SEKISHO HOME: runs the daemon twice and kills it between; prints what was seen.
import array, os, signal, socket, subprocess, sys

daemon, client, home = sys.argv[1:]
path = home + "/notify"
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(path)
notify.settimeout(10)
stored = array.array("i")


def until(word):
    seen = []
    while True:
        text, control, _, _ = notify.recvmsg(4096, socket.CMSG_SPACE(64))
        for _, _, data in control:
            stored.frombytes(data)
        seen += text.decode().split("\n")
        if word in seen:
            return seen


def start(descriptor=None):
    environment = dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC="2000000")
    command = f'exec "{daemon}" --config "{home}/sekisho.yaml" --log "{home}/events"'
    if descriptor is not None:
        command = "export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=netlink; " + command
    return subprocess.Popen(["bash", "-c", command], env=environment, close_fds=False,
                            preexec_fn=lambda: descriptor is not None and os.dup2(descriptor, 3))


def running():
    return subprocess.run([client, "status", "--socket", home + "/run/control.sock"],
                          stdout=subprocess.DEVNULL).returncode == 0


def check(what, value):
    print("yes" if value else "no", what)


first = start()
seen = until("READY=1")
check("the socket is stored before it is ready", len(stored) == 1 and "FDNAME=netlink" in seen)
check("ready means running", running())
check("the watchdog is fed", until("WATCHDOG=1"))
first.send_signal(signal.SIGHUP)
seen = until("READY=1")
check("a reload says so", "RELOADING=1" in seen)
first.kill()
first.wait()
table = subprocess.run(["nft", "list", "table", "inet", "sekisho"], capture_output=True, text=True)
owned = "flags owner" in table.stdout[:200]  # not where the kernel cannot keep it for the next one
for order in ("delete", "flush") if owned else ():
    refused = subprocess.run(["nft", order, "table", "inet", "sekisho"], stderr=subprocess.DEVNULL)
    check("dead, its table still has its owner: " + order, refused.returncode != 0)
second = start(stored[0])
until("READY=1")
check("the next one runs", running())
check("with the table that it found", '"event":"adopted"' in open(home + "/events").read())
second.terminate()
check("it tells that it stops", "STOPPING=1" in until("STOPPING=1"))
check("and ends well", second.wait() == 0)
os.unlink(path)
