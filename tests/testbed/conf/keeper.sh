# Runs one server for as long as somebody holds the other end of standard input, then stops it: TERM, ten seconds, KILL.
# Since the system closes that pipe however its holder ends, no server outlives its test. Prints the server's pid.
exec 3<&0
"$@" </dev/null >>"$LOG" 2>&1 3<&- &
server=$!
echo $server
(
    read -r _ <&3
    kill -TERM $server
    for _ in 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9; do
        for _ in 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4; do
            kill -0 $server || exit
            sleep .02
        done
    done
    kill -KILL $server
) >/dev/null 2>&1 &
guard=$!
wait $server
code=$?
kill $guard 2>/dev/null
exit $code
