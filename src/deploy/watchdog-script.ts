/** The variable by which a program is found whose process id the watchdog has not received. */
export const startMarkVariable = 'CANDOR_START';

/**
 * The orphan watchdog as a POSIX shell script. It reads one command per line:
 *
 *     starting MARK STOP          a program with this mark in its environment is about to be started
 *     not-started                 it was not
 *     watch GROUP TICKS STOP      end this process group when the input ends; STOP: milliseconds that it may take
 *     adopted GROUP TICKS STOP    the group was taken over from another owner, who may still take it back
 *     handoff GROUP               the group is left to the next owner
 *     forget GROUP                the group is gone
 *     owner GENERATION FILE       our number as owner of the state folder, and the file that has the present owner's
 *     grace MS                    how long the next owner, or the one before, may take to come
 *     done                        nothing is left to do
 *
 * A group is signalled only while its leader is the process that was recorded, by pid and start time. After the leader has ended, the
 * number of the group stays taken while a member is left. In a container whose first process reaps nobody, zombies stay for ever;
 * the script does not wait for them.
 */
export const watchdogScript = `# Candor's orphan watchdog: ends the applications if Candor is killed.
trap '' INT HUP TERM QUIT USR1 USR2
groups=
handed_off=
starting=
file=
grace=0
# The list $1 without group $2.
without() {
  kept=
  for entry in $1; do
    case $entry in "$2":*) ;; *) kept="$kept $entry" ;; esac
  done
}
while read -r word group rest; do
  case $word in
    starting) starting=$group; stop=$rest ;;
    not-started) starting= ;;
    watch)
      set -- $rest
      starting=
      without "$handed_off" "$group"; handed_off=$kept
      without "$groups" "$group"; groups="$kept $group:$1:$2" ;;
    adopted)
      set -- $rest
      handed_off="$handed_off $group:$1:$2" ;;
    handoff)
      for entry in $groups; do
        case $entry in "$group":*) handed_off="$handed_off $entry" ;; esac
      done
      without "$groups" "$group"; groups=$kept ;;
    forget)
      without "$handed_off" "$group"; handed_off=$kept
      without "$groups" "$group"; groups=$kept ;;
    owner) generation=$group; file=$rest ;;
    grace) grace=$group ;;
    'done') exit 0 ;;
  esac
done

# Whether process $1 is still the one that started at tick $2.
same() {
  [ "$2" = - ] || [ ! -r "/proc/$1/stat" ] && return 0
  read -r line < "/proc/$1/stat" || return 0
  born=$2
  set -- \${line##*) }
  [ "\${20}" = "$born" ]
}
alive() {
  kill -s 0 -- "-$1" || return 1
  [ -r /proc/self/stat ] || return 0
  cat /proc/[0-9]*/stat | grep -q ") [^ZX] [0-9]* $1 "
  [ $? -ne 1 ]
}
split() { group=\${1%%:*}; stop_ms=\${1##*:}; start=\${1#*:}; start=\${start%:*}; }
finish() {
  groups=$1
  for entry in $groups; do
    split "$entry"
    same "$group" "$start" && kill -s TERM -- "-$group"
  done
  waited=0
  while [ -n "$groups" ]; do
    kept=
    for entry in $groups; do
      split "$entry"
      same "$group" "$start" && alive "$group" || continue
      if [ "$waited" -ge "$stop_ms" ]; then kill -s KILL -- "-$group"; else kept="$kept $entry"; fi
    done
    groups=$kept
    [ -z "$groups" ] || sleep 0.1 || sleep 1
    waited=$((waited + 100))
  done
}
# Candor was killed while it started a program. The program's own environment shows once it has been executed, so the search
# goes on for a second. Only the leader of a group counts.
find_started() {
  started=
  tries=0
  while [ -z "$started" ] && [ "$tries" -lt 10 ]; do
    for environ in $(grep -lsF -e "${startMarkVariable}=$starting" /proc/[0-9]*/environ); do
      pid=\${environ#/proc/}; pid=\${pid%/environ}
      read -r line < "/proc/$pid/stat" || continue
      set -- \${line##*) }
      [ "$3" != "$pid" ] || started="$started $pid:-:$stop"
    done
    tries=$((tries + 1))
    [ -n "$started" ] || sleep 0.1 || sleep 1
  done
}
# The state folder has another owner, who looks after the groups that were handed off.
taken() { [ -f "$file" ] && read -r now < "$file" && [ -n "$now" ] && [ "$now" != "$generation" ]; }
await_owner() {
  passed=0
  until taken; do
    [ "$passed" -lt "$grace" ] || return 1
    sleep 0.1 || sleep 1
    passed=$((passed + 100))
  done
}
# The groups that the other owner has not recorded (its process was killed before, or the file was damaged): nobody
# else would end them.
unrecorded() {
  instances=\${file%/*}/instances.json
  kept=
  for entry in $handed_off; do
    [ -f "$instances" ] || continue
    pid=\${entry%%:*}
    grep -q -e '"pid": '"$pid"'[^0-9]' -e '"pid": '"$pid"'$' "$instances"
    [ $? -ne 1 ] || kept="$kept $entry"
  done
}

if [ -n "$handed_off" ]; then
  { if await_owner; then unrecorded; finish "$kept"; else finish "$handed_off"; fi; } &
fi
if [ -n "$starting" ]; then
  { find_started; finish "$started"; } &
fi
finish "$groups"
wait
`;
