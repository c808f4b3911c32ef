; The installer for Windows, for Inno Setup 6.3 or newer. packaging/windows/installer.py calls its
; compiler and says what is defined here:
;
;   Version   as the program states it
;   Numbers   the same as four numbers
;   Program   folder with the frozen program
;   Folder    where the installer is put
;   Output    its name without .exe
;   Signed    defined if installer and uninstaller are signed, by the tool "signtool"
;
; It installs for this user without asking for rights, or for all users if they choose so. Whatever
; it writes, the uninstaller takes away; what users have made of their own stays.

#ifndef Version
  #error Version is not defined: packaging/windows/installer.py does it
#endif

; For "open with". Not all that can be examined, but what people keep pictures in.
#dim Suffixes[11] {".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}

[Setup]
; All flavours have one identity: one is installed at a time, and newer ones replace older ones.
AppId={{E83CC625-B5F6-424A-BA3D-D462935167FB}
AppName=Elascope
AppVersion={#Version}
AppVerName=Elascope {#Version}
AppPublisher=The Elascope developers
AppPublisherURL=https://github.com/elascope/elascope
VersionInfoVersion={#Numbers}
LicenseFile=..\..\LICENSE
SetupIconFile=..\icons\elascope.ico
UninstallDisplayIcon={app}\elascope-window.exe
DefaultDirName={autopf}\Elascope
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=commandline dialog
; Also Windows on Arm, which runs programs for x64.
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
; Windows 10 1809, the oldest that Qt runs on.
MinVersion=10.0.17763
ChangesAssociations=yes
ChangesEnvironment=yes
Compression=lzma2/max
LZMAUseSeparateProcess=yes
SolidCompression=yes
WizardStyle=modern
OutputDir={#Folder}
OutputBaseFilename={#Output}
#ifdef Signed
SignTool=signtool
SignedUninstaller=yes
#endif

[Languages]
Name: "english"; MessagesFile: "compiler:Default.isl"

[Tasks]
Name: "openwith"; Description: "Offer Elascope in ""Open with"" for images, and in the menu of folders"
Name: "path"; Description: "Make the command ""elascope"" known to terminals (PATH)"; Flags: unchecked
Name: "desktop"; Description: "Put an icon on the desktop"; Flags: unchecked

[InstallDelete]
; An older version's files, which the newer may no longer have.
Type: filesandordirs; Name: "{app}\_internal"; Check: IsUpdate
Type: filesandordirs; Name: "{app}\licences"; Check: IsUpdate

[Files]
Source: "{#Program}\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{autoprograms}\Elascope"; Filename: "{app}\elascope-window.exe"; Comment: "Error Level Analysis and calibrated verdicts for folders of images"
Name: "{autodesktop}\Elascope"; Filename: "{app}\elascope-window.exe"; Tasks: desktop

[Registry]
; HKA is the part of the registry of this user, or of all users. Nothing here makes Elascope the
; program that a double click starts.
Root: HKA; Subkey: "Software\Classes\Applications\elascope-window.exe"; Flags: uninsdeletekey; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\Applications\elascope-window.exe"; ValueType: string; ValueName: "FriendlyAppName"; ValueData: "Elascope"; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\Applications\elascope-window.exe\shell\open\command"; ValueType: string; ValueData: """{app}\elascope-window.exe"" open ""%1"""; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\Elascope.Image"; ValueType: string; ValueData: "Image"; Flags: uninsdeletekey; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\Elascope.Image\DefaultIcon"; ValueType: string; ValueData: "{app}\elascope-window.exe,0"; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\Elascope.Image\shell\open"; ValueType: string; ValueName: "FriendlyAppName"; ValueData: "Elascope"; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\Elascope.Image\shell\open\command"; ValueType: string; ValueData: """{app}\elascope-window.exe"" open ""%1"""; Tasks: openwith
#define Index 0
#sub OfferForSuffix
Root: HKA; Subkey: "Software\Classes\Applications\elascope-window.exe\SupportedTypes"; ValueType: string; ValueName: "{#Suffixes[Index]}"; ValueData: ""; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\{#Suffixes[Index]}"; Flags: uninsdeletekeyifempty; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\{#Suffixes[Index]}\OpenWithProgids"; Flags: uninsdeletekeyifempty; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\{#Suffixes[Index]}\OpenWithProgids"; ValueType: string; ValueName: "Elascope.Image"; ValueData: ""; Flags: uninsdeletevalue; Tasks: openwith
#endsub
#for {Index = 0; Index < DimOf(Suffixes); Index++} OfferForSuffix
Root: HKA; Subkey: "Software\Classes\Directory\shell\Elascope"; ValueType: string; ValueData: "Open in Elascope"; Flags: uninsdeletekey; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\Directory\shell\Elascope"; ValueType: string; ValueName: "Icon"; ValueData: "{app}\elascope-window.exe,0"; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\Directory\shell\Elascope\command"; ValueType: string; ValueData: """{app}\elascope-window.exe"" open ""%1"""; Tasks: openwith

[Run]
Filename: "{app}\elascope-window.exe"; Description: "Open Elascope"; Flags: nowait postinstall skipifsilent unchecked

[Code]
function IsUpdate: Boolean;
begin
  Result := FileExists(ExpandConstant('{app}\elascope-window.exe'));
end;

function EnvironmentKey: String;
begin
  if IsAdminInstallMode then
    Result := 'SYSTEM\CurrentControlSet\Control\Session Manager\Environment'
  else
    Result := 'Environment';
end;

{ Whether a folder of PATH is that of the program. }
function IsProgram(const Folder: String): Boolean;
begin
  Result := CompareText(RemoveBackslashUnlessRoot(Folder), ExpandConstant('{app}')) = 0;
end;

{ Take the program's folder out of PATH, or see that it is there once, at the end. All else in PATH
  stays as it is, and PATH is not written if nothing changes. }
procedure SetPath(const WithProgram: Boolean);
var
  Before, After, Rest, Folder: String;
  Position: Integer;
begin
  if not RegQueryStringValue(HKA, EnvironmentKey, 'Path', Before) then
    Before := '';
  After := '';
  Rest := Before;
  while Rest <> '' do
  begin
    Position := Pos(';', Rest);
    if Position = 0 then
      Position := Length(Rest) + 1;
    Folder := Copy(Rest, 1, Position - 1);
    if not IsProgram(Folder) then
      After := After + Copy(Rest, 1, Position);
    Delete(Rest, 1, Position);
  end;
  if WithProgram then
  begin
    if (After <> '') and (After[Length(After)] <> ';') then
      After := After + ';';
    After := After + ExpandConstant('{app}');
  end
  else if (After <> Before) and (After <> '') and (After[Length(After)] = ';') then
    { The semicolon that was before it. }
    Delete(After, Length(After), 1);
  if After = Before then
    Exit;
  if After = '' then
    RegDeleteValue(HKA, EnvironmentKey, 'Path')
  else if not RegWriteExpandStringValue(HKA, EnvironmentKey, 'Path', After) then
    Log('PATH could not be written.');
end;

procedure CurStepChanged(CurStep: TSetupStep);
begin
  if CurStep = ssPostInstall then
    SetPath(WizardIsTaskSelected('path'));
end;

procedure CurUninstallStepChanged(CurUninstallStep: TUninstallStep);
begin
  if CurUninstallStep = usPostUninstall then
    SetPath(False);
end;
