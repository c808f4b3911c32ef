#!/bin/sh
# Puts Elascope into the menu of this user, for the place where this folder lies; --remove takes it
# out again. Nothing is copied but the entry: run it again after the folder has moved.
#
# It is the entry of the menu only. Programs that a user has put there come before those of the
# system, so an entry that opens images and folders would become their default.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
folder=${XDG_DATA_HOME:-$HOME/.local/share}/applications
entry=$folder/elascope.desktop

case ${1-} in
--remove)
    rm -f -- "$entry"
    echo "Removed $entry"
    ;;
'')
    case $here in
    *[\"\`\$\\%]*)
        echo "The name of this folder has a character that desktop entries cannot hold: $here" >&2
        exit 1
        ;;
    esac
    mkdir -p -- "$folder"
    while IFS= read -r line; do
        case $line in
        'Exec=elascope open') printf 'Exec="%s/elascope" open\n' "$here" ;;
        Icon=*) printf 'Icon=%s/share/icons/hicolor/256x256/apps/elascope.png\n' "$here" ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <"$here/share/applications/elascope.desktop" >"$entry"
    echo "Wrote $entry"
    ;;
*)
    echo "usage: $0 [--remove]" >&2
    exit 2
    ;;
esac
