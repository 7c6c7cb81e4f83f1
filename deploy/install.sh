#!/bin/sh
# Installs the appliance on a VM with Debian 12 or 13 and network, as root: `sh deploy/install.sh`.
# May be repeated: it brings an installed version up to date and changes neither settings nor mail.
# The program goes to /opt/mimamori, its settings to /etc/mimamori, what it remembers to /var/lib/mimamori.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "Run this as root." >&2; exit 1; }
. deploy/setup.sh

need_missing python3 python3-venv ca-certificates systemd
mkdir -p /opt/mimamori
stage=/opt/mimamori/source
# The running version is replaced only once the new one is complete.
rm -rf "$stage.new"
mkdir "$stage.new"
cp -R config mailer webhook deploy pyproject.toml README.md LICENSE "$stage.new"
rm -rf "$stage.old"
[ ! -e "$stage" ] || mv "$stage" "$stage.old"
mv "$stage.new" "$stage"
(cd "$stage" && make_venv /opt/mimamori/venv deploy/requirements/runtime.txt)
ln -sf /opt/mimamori/venv/bin/mimamori /usr/local/bin/mimamori

cp systemd/sysusers.conf /etc/sysusers.d/mimamori.conf
systemd-sysusers mimamori.conf
# New files in the state directory belong to the group of the three services (the 2 in front).
install -d -m 2770 -o root -g mimamori /var/lib/mimamori
install -d -m 0755 /etc/mimamori
install -d -m 0700 /etc/mimamori/dkim
if [ ! -e /etc/mimamori/mimamori.toml ]; then
    cp deploy/mimamori.toml /etc/mimamori/mimamori.toml
fi
/usr/local/bin/mimamori check
/usr/local/bin/mimamori init

cp systemd/mimamori*.service systemd/mimamori*.socket systemd/mimamori.target /etc/systemd/system/
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi
systemctl enable --quiet mimamori.target mimamori-mailer.service mimamori-inbound.service \
    mimamori-webhook.service mimamori-inbound.socket mimamori-webhook.socket
cat <<'TEXT'
Installed. What to do next:
  1. Look at /etc/mimamori/mimamori.toml (mimamori check says what is wrong with it).
  2. Publish the DNS records: mimamori dns records --zone
  3. Start: systemctl start mimamori.target
TEXT
