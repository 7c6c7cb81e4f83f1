#!/bin/sh
# Installs the appliance on a VM with Debian 12 or 13 and network, as root: `sh deploy/install.sh`.
# Run it again to upgrade: settings, keys and mail stay. Until the new version is complete and takes the settings
# and the store, the old one stays in place (and runs, if it did).
# The program goes to /opt/mimamori, its settings to /etc/mimamori, what it remembers to /var/lib/mimamori.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "Run this as root." >&2; exit 1; }
# The services must be able to read the program, and see no Python that lies in somebody's home.
umask 022
PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
unset PYTHON PYTHONPATH PYTHONHOME
. deploy/setup.sh

home=/opt/mimamori
settings=/etc/mimamori/mimamori.toml
release=$home/$(date +%Y%m%dT%H%M%S)
stopped=""

resume() {
    [ -z "$stopped" ] || systemctl start mimamori.target
}

abandon() {
    rm -rf "$release"
    resume
    echo "Not installed; the version before, if there is one, stays." >&2
}

trap abandon EXIT
trap 'exit 1' HUP INT TERM
need systemd
mkdir -p "$home"
make_venv "$release" deploy/requirements/runtime.txt .
cp config/default.toml "$release/default.toml"
if [ ! -e "$settings" ]; then
    need unbound dns-root-data # the resolver that the settings name
    # It is to say why it gives no answer: only then is a zone's fault told from a trouble of its own.
    printf 'server:\n    ede: yes\n' >/etc/unbound/unbound.conf.d/mimamori.conf
    [ ! -d /run/systemd/system ] || systemctl try-restart unbound
    install -D -m 0644 deploy/mimamori.toml "$settings"
fi
"$release/bin/mimamori" check

# The users come first: they own nothing, but the group of the three shares the state directory, and what
# is made in it (the 2 in front).
install -D -m 0644 systemd/sysusers.conf /etc/sysusers.d/mimamori.conf
systemd-sysusers mimamori.conf
install -d -m 2770 -o root -g mimamori /var/lib/mimamori
install -d -m 0700 /etc/mimamori/dkim

# The store is brought up to date while nobody works on it.
if [ -d /run/systemd/system ] && systemctl --quiet is-active 'mimamori*'; then
    stopped=yes
    systemctl stop 'mimamori*'
fi
"$release/bin/mimamori" init

previous=$(readlink "$home/current" || true)
ln -sfn "${release##*/}" "$home/current.new"
mv -T "$home/current.new" "$home/current"
trap resume EXIT
ln -sf "$home/current/bin/mimamori" /usr/local/bin/mimamori
# Postfix's names for the queue, apart, so that they hide no Postfix; put the folder into PATH to have them.
mkdir -p /usr/local/libexec/mimamori
for name in mailq postqueue postsuper postcat qshape; do
    ln -sf "$home/current/bin/mimamori" "/usr/local/libexec/mimamori/$name"
done
install -m 0644 systemd/mimamori*.service systemd/mimamori*.socket systemd/mimamori*.timer systemd/mimamori.target /etc/systemd/system/
[ ! -d /run/systemd/system ] || systemctl daemon-reload
systemctl --quiet enable mimamori.target mimamori-mailer.service mimamori-inbound.service \
    mimamori-webhook.service mimamori-inbound.socket mimamori-webhook.socket mimamori-sentry.timer
# The version before stays for a look; older ones go.
for old in "$home"/2*; do
    case ${old##*/} in
    "${release##*/}" | "$previous") ;;
    *) rm -rf "$old" ;;
    esac
done

if [ -n "$stopped" ]; then
    trap - EXIT
    resume
    echo "Upgraded to $(mimamori --version); the services run again."
    exit
fi
cat <<'TEXT'
Installed. What to do next:
  1. Look at /etc/mimamori/mimamori.toml (mimamori check says what is wrong with it).
  2. Publish the DNS records: mimamori dns records --zone
  3. Put an HTTPS server for the base_url in front of the web port; it must hand the header Host on as it came.
  4. Start: systemctl start mimamori.target
TEXT
