/**
 * Names of commands, by how often the same letters are harmless text. The evidence a detector asks for behind a name
 * depends on that: `; ypcat passwd` needs none, `; time flies` is a sentence.
 */

/** Ordinary words ("find", "more"), names of tools people write about ("curl"), or neither ("ypcat"). */
export type CommandClass = "word" | "tool" | "rare" | "short";

function names(list: string): readonly string[] {
  return list.trim().split(/\s+/);
}

/** English words that are commands as well. */
const WORDS = names(`
  arch at batch cancel cat change chat clear column comm compress copy cut date defaults del dig dir disable disown
  echo eject enable env erase exit expand export factor false fc file find finger fold free from ftp hash head help
  history host install join jobs kill last less link locate login logout look mail make man mesg more mount move nice
  open paste patch ping ping6 pop print printf profile pushd ram read reject rename replace reset rev say scanner
  schedule screen script select service shift shutdown size sleep sort source spell split start stat stop strings su
  suspend sync tail talk tee telnet test time timeout top touch trace trap tree true tsort type ul umask unlink update
  uptime users wait wall watch which who whereis write yes bridge flock composer docker gem git go helm hg kubectl npm
  npx pip pip3 puppet svn terraform vagrant yarn java javac gcc node nodejs ex pic nl net reg sc label format assoc
  path color init mode title ver vol call pause . dotnet cargo mvn gradle expect doas attrib recover rundll apt aptitude dash fish fetch diff hydra nginx emacs
  crash ditto groups halt indent knife logger lp mutt perms pinky routed shred ss unset sips airport verifier subst bg
  sar pv recode realpath basename dirname popd
`);

/** Tools whose names stand in explanations, tag lists and searches. */
const TOOLS = names(`
  apt-get awk base32 base64 bash busybox bzip2 cd chmod chown cmd cmd.exe cp cpan cron crontab csh curl dd df dnf du
  egrep expr fgrep gawk gdb gpg grep gunzip gzip hostname iptables irb jq ksh ln lua lwp-request lynx mkdir mv mysql
  mysqldump nano nc ncat netcat nslookup openssl perl perl5 php pkill powershell powershell.exe pwsh psql python
  python2 python3 ps rbash rm rmdir rpm rsync ruby scp sed sftp sh sqlite3 ssh socat strace sudo systemctl tar tcpdump
  tcsh tftp tmux tr gc gci gcm od ip ed route aws gcloud az redis-cli mongo mongosh kubeadm podman crictl nsenter unzip vi vim w3m wget wc xargs xxd yum zip zsh dscl certutil bitsadmin wmic rundll32 mshta cscript
  wscript schtasks tasklist taskkill netsh ipconfig ansible perf curl.exe nmap sqlmap msfconsole xterm telnetd iwr irm iex
`);

/** Commands that stand alone as evidence: two or three letters that follow a separator in few texts. */
const SHORT = names("id ls pwd ps w dir cat env set ver who");

/** Nothing but commands: no English word, no product that people name in texts. */
const RARE = names(`
  aa-disable aa-enforce aa-exec aa-status addpart addr2line adduser addgroup agetty alsactl amidi amixer anacron
  ansible-config ansible-console ansible-doc ansible-galaxy ansible-inventory ansible-playbook ansible-pull
  ansible-vault aplay aplaymidi apropos arecord arecordmidi arp arping arpspoof aspell asr atmadm atq atrm audioreset
  audiosend auditctl ausearch authconfig automator badblocks bashbug bcdedit bconsole bindkey blkid blockdev bootcfg
  bpftrace bsdtar bunzip2 bzcat bzcmp bzdiff bzegrep bzexe bzfgrep bzgrep bzip2recover bzless bzmore c89 c99 cacls
  icacls xcacls cdda2wav cdparanoia cdrdao cdrecord certreq cfdisk chage chattr chcon chcp chef-vault chfn chflags
  chgrp chkconfig chkdsk chkntfs chpasswd chroot chrt chsh chvt cksum cleanmgr clip.exe cmdkey cmdl32 cobc comctl32
  colcrt colrm convertfs cpio cpulimit cpufreq-info csplit cscript.exe csrutil csvde csvtool ctags cupsaccept
  cupsdisable dcgpofix dcomcnfg ddate ddrescue debugfs defrag delgroup delpart deluser depmod devcon dfsutil dhclient
  dhcpcd diff3 dircmp dircolors dirquota diruse diskcomp diskcopy diskpart diskshadow diskutil diskuse dism dmesg
  dmidecode dmsetup dnscmd dnsdomainname domainname dosemu doskey dpkg dot_clean driverquery dsacls dsadd dscacheutil
  dsget dsmod dsmove dsquery dsrm dumpe2fs dvipdf dvips e2fsck e2label easy_install ebtables edquota efibootmgr
  elvtune endlocal envsubst eqn esddsp esd esdcat esdctl esdplay esdrec esdsample ethtool eventcreate eventquery
  eventtriggers eventvwr exportfs expdp extrac32 faillog fbset fdformat fdisk fdutil fgconsole filefrag fincore findfs
  findmnt findstr fltmc flushdns fmt forfiles fs_usage fsck fsck.ext2 fsck.ext3 fsck.ext4 fsck.msdos fsck.vfat fsinfo
  fstrim fsutil ftpd ftype funzip fuser gacutil gcore genisoimage getconf getent getfacl getfattr getfile getfileinfo
  getkeycodes getmac getopts getpcaps getty getvol gpasswd gpresult gpupdate groupadd groupdel groupmems groupmod
  grpck grpconv grpunconv grub-install grub-mkconfig hardlink hcitool hciconfig hdid hdiutil hdparm hexdump hostid
  hostinfo hostnamectl hping3 httpd hwclock iasl iasauth iconv iconutil ifconfig ifdown ifenslave ifplugstatus iftop
  ifup ifmember ifquery iisreset imapd impdp inetd init6 infocmp insmod installp instsrv invoke-rc.d ionice iostat
  iotop ipcrm ipcs ipmitool ipptool iprule ip6tables ip6tables-restore ip6tables-save iptables-restore iptables-save
  iptunnel ipvsadm ipxroute ircd irqbalance isosize ispell iscsiadm iwconfig iwlist iwmi jjs journalctl jrunscript
  jstack jstatd kbdrate kbd_mode kextfind kextload kextstat kextunload kill_all killall killall5 kldload klist kmod
  ksetup ktpass last_log lastb lastcomm lastlog launchctl ldapsearch ldattach ldconfig ldd ldifde lftp lftpget linux32
  linux64 lipo listusers lkbib ln.exe loadkeys loadctr loadfont localectl lockfile lodctr logevent loggedon loginctl
  logman logname logoff.exe logrotate logsave logtime losetup lpadmin lpc lpinfo lpmove lpoptions lpq lpr lprm
  lprsetup lpstat lsattr lsblk lsb_release lsbom lscpu lsdev lshw lsipc lslogins lsmod lsof lspci lspgpot lsregister
  lsusb ltrace lwp-download lwp-mirror lynis lzcat lzdiff lzegrep lzgrep lzless lzma lzmore m4 macof mail.local mailq
  mailx mailto.exe makewhatis mapadmin mapisend masscan mattrib mbsacli mbadblocks mcat mcd mcopy mdadm mdb mdel
  mdeltree mdfind mdimport mdir mdls mdu mdutil mem.exe metamail metasend mev mformat mimencode mii-tool minfo
  mingetty mkbootdisk mkdosfs mke2fs mkfifo mkfs mkfs.ext2 mkfs.ext3 mkfs.ext4 mkfs.xfs mkfs.minix mkisofs mklabel
  mklink mklost+found mkmanifest mknod mkpasswd mkraid mkswap mktemp mlabel mmd mmc.exe mmount mmove modinfo modprobe
  mosquitto_pub mountd mountpoint mountvol mpartition mpg123 mpg321 mqbkup mqsvc mqtgsvc mrd mren mrinfo msconfig
  msfvenom msg.exe msgexec msgfilter mshowfat msiexec msinfo32 mstsc mtools mtoolstest mtr mtrace mtype munge musrmgr
  mysqladmin mysqlimport mysqlshow mzip namei named-checkconf natd nawk nbtscan nbtstat ncftp ncftpget netdom netinfo
  netplan netscan netstat netsvc networkctl networksetup newaliases newfs newgrp newsid newusers nfsstat nft ngrep
  niutil nmblookup nmcli nohup now.exe nproc nsenter nsupdate ntbackup ntdsutil ntpdate ntpq ntrights ntsysv nvram
  objcopy objdump odbcconf omshell onintr openfiles opcontrol osacompile osascript osadecompile pagefileconfig
  passmass pathchk pathping pbcopy pbpaste pcregrep perldoc.bat pg_dump pg_dumpall pgrep pidof pivot_root pkexec
  pkgchk pkginfo pkgrm pkgutil plutil pmap pmset pnputil poweroff powercfg ppp-off pppd pppstats prlimit prncnfg
  prndrvr prnjobs prnmngr prnport prnqctl procinfo proxychains pscp psexec psfile psgetsid psinfo pskill pslist
  psloggedon psloglist pspasswd psservice psshutdown psuspend pssuspend pstree pstack ptx pubprn pwck pwconv pwdx
  pwunconv qappsrv qbasic qchain qgrep qprocess quotacheck quotaoff quotaon quotastats qwinsta raidstart raidstop
  ramsize rarpd rasdial rasphone rcp rdate rdev rdesktop rdist readelf readlink readprofile readtags reboot redir
  refresh.exe regedit regedt32 regini register-python-argcomplete regsvr32 regsvcs regasm relog renice repquota
  repadmin resize2fs restorecon rev.exe rexec rgrep rlogin rlwrap rmail rmdir.exe rmmod rmt rmtshare robocopy
  rootflags rpcclient rpcgen rpcinfo rquotad rsh rstatd runas runc runcon runlevel runparts run-parts run-mailcap rup
  rusers rusersd ruptime rview rwho rwhod rwinsta samdump2 sane-find-scanner scanadf scanimage sclist scriptreplay
  scselect scutil sdiff secedit semanage sendmail servermanagercmd sestatus setacl setcap setenv setfacl setfattr
  setfdprm setfile setkeycodes setleds setlocal setmetamode setpriv setprinter setserial setsid setspn setterm
  setup.bin setx sfc sfdisk sg_persist sha1sum sha224sum sha256sum sha384sum sha512sum md5sum shasum shar sharemgr
  shopt showmount shrpubw shutdown.exe sigtool sigverif slattach sleep.exe slocate slogin smbclient smbmount smbstatus
  smbtree snmpget snmpset snmpwalk snmpd softwareupdate soon.exe sort.exe sotruss sox spctl splain splitvt srvcheck
  srvinfo srvmgr srm sshd ssh-add ssh-agent ssh-copy-id ssh-keygen ssh-keyscan sshfs sshpass stdbuf strfile stty
  subinacl sulogin sum.exe swapdev swapoff swapon sw_vers switch_root symstore sysctl sysdiagnose sysdump sysinfo
  sysklogd syslogd sysprep sysprep.exe systat systemd-cat systemd-resolve systemd-run system_profiler systeminfo
  sysv-rc-conf tac tailf takeown talkd taskset tcpdchk tcpdmatch tcptraceroute telinit tempfile tfmx tftpd timedatectl
  tlist tmutil tracepath traceroute traceroute6 tracert tracerpt tload tput troff tscon tsdiscon tset tsshutdn tskill
  tune2fs tunelp typeperf tzselect ulimit umount unalias uname uncompress unexpand uniq unlodctr unlzma unpack200
  unshar unshare unxz unzipsfx unzstd update-alternatives update-rc.d updatedb useradd userdel usermod usernetctl
  usrmgr usleep usrstat utmpdump uudecode uuencode uucp uux uuidgen uuname uustat vdir vidmode vigr vimdiff vipw virsh
  virt-what vmstat vm_stat vmsubst vncviewer volname vssadmin vtysh wbadmin wdsutil wecutil wevtutil warnquota waitfor
  whoami whatis who.exe wipefs winrm winrs winnt winnt32 winmsd winsat wlst wpa_cli wuapp wuauclt wusa wvdial x11vnc
  xauth xcacls.vbs xclip xcopy xdg-open xdpyinfo xkill xmodem xmore xev xwd xxencode xz xzcat xzcmp xzdiff xzegrep
  xzfgrep xzgrep xzless xzmore ypbind ypcat ypchfn ypchsh ypinit ypmatch yppasswd yppasswdd yppoll yppush ypserv ypset
  yptest ypwhich ypxfr ytalk zcat zcmp zdiff zdump zegrep zfgrep zforce zgrep zless zmore znew zstdcat zstdgrep
  printenv ufw setenforce getenforce mongodump mongoexport zstdless zsoelim zypper zipcloak zipdetails zipgrep zipinfo zipnote zipsplit sysinfo.exe nethogs iwgetid nping
  netcat.openbsd tshark dumpcap tcpflow wpscan nikto gobuster dirb bspatch chcpu cupsctl dscacheutil fddist fdesetup
  gktool gzexe ioreg kickstart lockstat nscurl ocspd ptargrep say.exe securityd serverinfo spindump tccutil trimforce
  xattr xcrun xcode-select zdb zprint afconvert afplay caffeinate
`);

/** Nouns of PowerShell's own cmdlets that are no everyday words behind `get-`, `new-`, `set-`. */
const CMDLET_NOUNS = names(`
  acl alias authenticodesignature childitem cimclass ciminstance cimsession clixml computerinfo computerrestorepoint consolefile
  controlpanelitem credential culture eventlog executionpolicy expression filehash formatdata guid help hotfix itemproperty
  itempropertyvalue job jobtrigger localgroup localuser member module mshmember netadapter netipaddress nettcpconnection object
  packageprovider pfxcertificate printer process psbreakpoint pscallstack psdebug psdrive psprovider psreadlineoption
  psrepository pssession pssnapin pssessionconfiguration restmethod runspace scheduledjob scheduledtask securestring securitydescriptor sddlstring tracesource
  transaction transcript typedata uiculture unique variable verb webrequest webserviceproxy winevent wmievent wmimethod wmiobject
  wsmaninstance wsmanquicksetup wsmancredssp xml html json csv
`);

const CMDLET_VERBS = new Set(
  names(`
  add checkpoint clear compare complete connect convert convertfrom convertto copy debug disable disconnect enable enter
  exit export foreach format get group import invoke join limit measure move new out ping pop push read receive register
  remove rename repair reset resolve restart restore resume save search select send set show sort split start step
  stop suspend switch tee test trace unblock undo unlock unregister update use wait watch where write
`),
);

/** Verb and noun pairs whose noun is everyday, but which nobody writes with a hyphen outside PowerShell. */
const CMDLETS = names(`
  add-content get-content set-content clear-content out-null out-host out-string out-default out-gridview out-file write-host write-verbose write-progress
  write-warning write-debug write-error write-information write-output get-command get-alias get-acl set-acl foreach-object where-object sort-object select-object group-object measure-object tee-object new-object compare-object invoke-command
  invoke-item invoke-history resolve-path test-path split-path join-path convert-path get-unique get-variable get-psdrive get-member get-host get-history
  start-sleep start-transcript stop-transcript restart-computer stop-computer test-connection format-list format-table format-wide
  format-custom push-location pop-location rename-computer add-computer remove-computer get-date read-host select-string start-process stop-process
`);

const CMDLET_NOUN_SET = new Set(CMDLET_NOUNS);
const CMDLET_SET = new Set(CMDLETS);

const CLASSES: ReadonlyMap<string, CommandClass> = new Map([
  ...RARE.map((name) => [name, "rare"] as const),
  ...TOOLS.map((name) => [name, "tool"] as const),
  ...WORDS.map((name) => [name, "word"] as const),
  ...SHORT.map((name) => [name, "short"] as const),
]);

/** As common in programs of other kinds: `get-help`, `add-member`, `disable-module`, `set-content`, `restart-job`. */
const COMMON_CMDLET =
  /^(?:(?:add|new|remove|get|set|update|show|clear|select|search|start|stop|reset|import|export|enable|disable|resume|suspend|restart|wait|invoke|switch|save|convert|copy|move|rename)-(?:help|json|csv|html|xml|member|module|object|process|job|unique|alias|variable|verb|transaction|printer|expression|culture|credential|content|transcript|guid|computer)|format-(?:table|list|wide)|(?:split|join|test)-path)$/;

/** Commands that start the command behind them. */
export const WRAPPERS: ReadonlySet<string> = new Set(
  names(
    "sudo doas env nohup time exec command nice eval xargs strace timeout busybox builtin setsid ionice stdbuf start watch coproc call then do else",
  ),
);

/** Programs that run what is piped into them. */
export const INTERPRETERS: ReadonlySet<string> = new Set(
  names("sh bash zsh dash ksh python python3 perl ruby node php iex cmd cmd.exe powershell pwsh"),
);

/** Ordinary words that one more word, or nothing, does not make a command. */
export const phraseNames: readonly string[] = WORDS.filter(
  (name) =>
    CLASSES.get(name) === "word" &&
    !WRAPPERS.has(name) &&
    !INTERPRETERS.has(name) &&
    !/^(?:net|reg|sc|echo|printf|find|ping6?|dig|host|telnet|ftp)$/.test(name),
);

/** Every name that begins a command; versions and PowerShell's pairs are not in the list. */
export const commandNames: readonly string[] = [...CLASSES.keys(), ...WRAPPERS];

/** The class of a lower-case name, without directory, `.exe` or version; undefined for what is no command. */
export function commandClass(name: string): CommandClass | undefined {
  const known = CLASSES.get(name);
  if (known !== undefined) return known;
  if (name.length > 48) return undefined;
  if (name.includes("-")) return isCmdlet(name) ? "rare" : undefined;
  if (name.charCodeAt(name.length - 4) === 0x2e && /\.(?:exe|com)$/.test(name))
    return CLASSES.get(name.slice(0, -4)) && "tool";
  const last = name.charCodeAt(name.length - 1);
  if (last < 0x30 || last > 0x39) return undefined;
  const versioned = /^(python|perl|ruby|php|lua|node|ksh|gcc|tclsh|wish)[\d.]{1,8}$/.exec(name);
  return versioned === null ? undefined : "tool";
}

/** `Get-Acl`: a verb of the fixed list and a noun of PowerShell. */
export function isCmdlet(name: string): boolean {
  const hyphen = name.indexOf("-");
  if (hyphen < 0) return false;
  if (CMDLET_SET.has(name)) return true;
  return CMDLET_VERBS.has(name.slice(0, hyphen)) && CMDLET_NOUN_SET.has(name.slice(hyphen + 1));
}

/** Names that are also formats, actions, products or plain values of forms. */
const EVERYDAY = new Set(
  names(`
  groups halt httpd indent logger redir refresh reboot recode natd munge mutt units uniq fmt ss bg lp lpr esd crash defrag
  sendmail netplan nmcli masscan nikto wpscan gobuster tshark dism sfc sox m4 mdb mcd knife ditto realpath basename
  dirname pv airport caffeinate kickstart securityd sips runc lynis tac unset setenv lastlog last_log popd groupmod.sh
  sar sum.exe rup xev rcp rev.exe msg.exe now.exe sg_persist imapd mailx uux mev mtr prlimit soon.exe subst tset
  iconv cpio hdparm lzma shasum md5sum sha1sum sha224sum sha256sum sha384sum sha512sum cksum
  volname write.exe sysinfo dot_clean systat winmsd perms mmove mcopy asr nft
  adduser addgroup deluser delgroup useradd userdel usermod groupadd groupdel groupmod newusers newgrp listusers loggedon usrmgr
  usrstat getfile setfile getfileinfo tempfile lockfile hardlink readlink mountpoint mkdir rmdir uncompress umount unshare uudecode
  uuencode hexdump poweroff serverinfo hostinfo netinfo procinfo systeminfo hostid netstat netscan traceroute tracert tracepath
  nslookup whatis domainname dnsdomainname linux32 linux64 winnt winnt32 xmodem syslogd inetd logevent logtime logrotate mailq
  whoami openfiles flushdns softwareupdate eventcreate eventquery pkginfo getmac fsinfo diskuse readtags tlist relog mtype minfo zypper
`),
);

/** Tools of administrators that, unlike `python` or `bash`, are no topic of other texts. */
const BARE_TOOLS = new Set(
  names(
    "ifconfig iptables netsh schtasks tasklist taskkill bitsadmin certutil wmic cscript wscript mshta rundll32 dscl bunzip2 egrep fgrep lwp-request tcsh ksh rbash scp",
  ),
);

/** A name that no sentence begins with: a rare one with a hyphen (`ansible-vault`, `iptables-restore`). */
export function isUnmistakable(name: string): boolean {
  return name.includes("-") && CLASSES.get(name) === "rare";
}

/** Is a value that is exactly this lower-case word most likely the name of a command? */
export function isBareCommand(name: string): boolean {
  if (EVERYDAY.has(name)) return false;
  if (BARE_TOOLS.has(name)) return true;
  // Codes have four letters: of shares, airfields, vouchers. One in six thousand of them is a command.
  if (CLASSES.get(name) === "rare") return name.length > 4;
  return name.length >= 7 && isCmdlet(name) && !COMMON_CMDLET.test(name);
}

/** Directories whose programs a separator and an absolute path can only mean as a command. */
export const PROGRAM_DIRECTORY =
  /^(?:\/(?:usr\/)?(?:local\/)?s?bin\/|\/busybox\/|[a-z]:[\\/]{1,2}(?:windows|winnt)[\\/])/;

/** Beginnings of this length stand for the longer names: they are in no text, and the automaton stays small. */
const BEGINNING = 7;

const TELLING = [...RARE, ...BARE_TOOLS, ...CMDLETS, "ls", "cat"];

/**
 * Words that make a value worth a look where no separator, system path or substitution stands in it: names that may be
 * a whole value or begin a command line by themselves.
 */
export const TELLING_WORDS: readonly string[] = TELLING.filter((name) => name.length <= BEGINNING);

/** Beginnings of longer names, and `-acl`, `-pssnapin`: endings of PowerShell's cmdlets. */
export const TELLING_PARTS: readonly string[] = [
  ...new Set(TELLING.filter((name) => name.length > BEGINNING).map((name) => name.slice(0, BEGINNING))),
  ...CMDLET_NOUNS.map((noun) => `-${noun.slice(0, BEGINNING)}`),
];
