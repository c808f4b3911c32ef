#!/usr/bin/env bash
# Make the disk image for macOS from the frozen program, on macOS:
#
#     packaging/macos/dmg.sh [FLAVOUR]
#
# It is signed and notarised if these variables are set, and otherwise says what it skips:
#
#     ELASCOPE_IDENTITY         name of a "Developer ID Application" certificate in the keychain
#     ELASCOPE_NOTARY_PROFILE   name under which `xcrun notarytool store-credentials` keeps the
#                               account and its password, which this script never sees
#
# Without an identity the signature is one of nobody (ad hoc). Arm Macs run nothing that has none,
# and a user must allow the program once under "Privacy & Security".
set -euo pipefail
cd "$(dirname "$0")/../.."

flavour=${1:-cpu}
identity=${ELASCOPE_IDENTITY:-}
profile=${ELASCOPE_NOTARY_PROFILE:-}

stated() {
  python3 -c "import sys; sys.path.insert(0, 'packaging'); import release; print($1)"
}
version=$(stated "release.version()")
image=dist/$(stated "release.artefact('$flavour')").dmg
program=dist/$flavour/Elascope.app
stage=build/$flavour/image

if [ ! -d "$program" ]; then
  echo "$program is not there; packaging/freeze.py makes it, on macOS." >&2
  exit 1
fi

# What is dragged where: the program, and a link to the folder of programs.
rm -rf "$stage" "$image"
mkdir -p "$stage"
ditto "$program" "$stage/Elascope.app"
ln -s /Applications "$stage/Applications"

# PyInstaller has signed the bundle, but licences and bill of materials were added afterwards.
# `--deep` is for code that lies where bundles have it, as PyInstaller sees to.
signing=(codesign --force --deep --all-architectures)
if [ -n "$identity" ]; then
  signing+=(--sign "$identity" --options runtime --timestamp)
  signing+=(--entitlements packaging/macos/entitlements.plist)
else
  echo "ELASCOPE_IDENTITY is not set: signed by nobody."
  signing+=(--sign - --timestamp=none)
fi
"${signing[@]}" "$stage/Elascope.app"
codesign --verify --deep --strict "$stage/Elascope.app"

hdiutil create -volname "Elascope $version" -srcfolder "$stage" -fs HFS+ -format ULFO "$image"
rm -rf "$stage"

if [ -n "$identity" ]; then
  codesign --force --sign "$identity" --timestamp "$image"
fi
if [ -n "$identity" ] && [ -n "$profile" ]; then
  xcrun notarytool submit "$image" --keychain-profile "$profile" --wait
  xcrun stapler staple "$image"
  spctl --assess --type open --context context:primary-signature "$image"
else
  echo "ELASCOPE_IDENTITY or ELASCOPE_NOTARY_PROFILE is not set: not notarised."
fi
echo "$image"
