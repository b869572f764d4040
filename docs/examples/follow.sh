#!/bin/sh
# Prints each alert as one line of JSON: those that Redis keeps, then those that come.
# Usage: follow.sh redis://127.0.0.1:6379 [ENTRY]     goes on after ENTRY, which is 0 for all, and $ for none
url=${1:?name the server, as redis://127.0.0.1:6379}
last=${2:-0}
if [ "$last" = '$' ]; then  # $ is for one question only; the place must be known from one to the next
    last=$(redis-cli -u "$url" --raw xrevrange framewarden:alerts + - count 1 | head -n 1)
fi

while :; do
    answer=$(redis-cli -u "$url" --raw xread count 1 block 5000 streams framewarden:alerts "${last:-0}") || sleep 1
    key=$(printf '%s\n' "$answer" | sed -n 1p)
    case $key in
    framewarden:alerts)  # then the entry, and its fields, name and value on a line each
        last=$(printf '%s\n' "$answer" | sed -n 2p)
        printf '%s\n' "$answer" | sed -n '/^body$/{n;p;}'
        ;;
    '') ;;  # nothing new, or nobody there
    *) printf '%s\n' "$key" >&2; sleep 1 ;;
    esac
done
