# What test/deploy/boot.test.ts runs as a unit of a booted systemd: each step prints "NAME: RESULT".
export DEBIAN_FRONTEND=noninteractive
toml=/etc/zion/zion.toml
attack() { curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:81/?q='+UNION+SELECT+password+FROM+users--"; }
show() { systemctl show zion --value -p "$1"; }
# Until "show $1" says $2.
wait_for() { for _ in $(seq 200); do [ "$(show "$1")" = "$2" ] && return; sleep 0.1; done; }

dpkg --force-depends --install /opt/zion/zion.deb >/dev/null 2>&1
echo "installed, not started: $(systemctl is-active zion) $(systemctl is-enabled zion)"
sed -i 's/127.0.0.1:8080/127.0.0.1:81/' $toml
systemctl start zion
echo "start: $? $(show ActiveState)"
echo "status: $(show StatusText)"
echo "port below 1024, WAF: $(attack)"
echo "user: $(stat -c %U "/proc/$(show MainPID)")"
echo "capabilities: $(awk '/^CapBnd/ { print $2 }' "/proc/$(show MainPID)/status")"
echo "credentials: $(stat -c '%U %a' /run/credentials/zion.service/audit-hmac-key)"
zion check -c $toml >/dev/null
echo "check by root: $?"
zion status >/dev/null
echo "status over the socket: $?"

systemctl reload zion || journalctl -u zion --no-pager -o cat -n 20 >&2
echo "reload: $(show ReloadResult)"
for _ in $(seq 200); do [ "$(show StatusText)" = "generation 2, routes: 1" ] && break; sleep 0.1; done
echo "after it: $(show StatusText)"
echo 'nonsense = 1' >>$toml
systemctl reload zion 2>/dev/null
echo "reload of a bad file: $? $(attack)"
sed -i '$ d' $toml

before=$(show MainPID)
dpkg --force-depends --install /opt/zion/zion.deb >/dev/null 2>&1
wait_for ActiveState active
after=$(show MainPID)
echo "update: $([ "$before" != "$after" ] && echo another) process, $(show NRestarts) restarts, $(attack)"

mkdir -p /run/systemd/system/zion.service.d
printf '[Service]\nWatchdogSec=3s\n' >/run/systemd/system/zion.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart zion
sleep 5
echo "watchdog, fed: $(show NRestarts)"
kill -STOP "$(show MainPID)"
wait_for NRestarts 1
wait_for ActiveState active
echo "watchdog, stuck: $(show NRestarts) $(attack)"

systemctl stop zion
echo "stop: $(show ActiveState) $(show Result)"
echo 'nonsense = 1' >>$toml
systemctl start zion 2>/dev/null
sleep 2
echo "start of a bad file: $(show ActiveState) $(show ExecMainStatus) $(show NRestarts)"
sed -i '$ d' $toml
zion audit verify -d /var/lib/zion/audit --key /etc/zion/keys/audit-hmac-key >/dev/null
echo "evidence: $?"
systemctl reset-failed zion
systemctl start zion
dpkg --remove zion-edge >/dev/null 2>&1
echo "removed: $(pgrep -c -u zion) processes, $(ls /etc/zion | tr '\n' ' ')"
dpkg --purge zion-edge >/dev/null 2>&1
echo "purged: $(ls -d /etc/zion /var/lib/zion 2>/dev/null | wc -l) directories left"
