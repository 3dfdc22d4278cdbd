#!/bin/sh
# Prints every pair of the versions below with dpkg's verdict on it: `LEFT < RIGHT`,
# `LEFT = RIGHT` or `LEFT > RIGHT`. Run on a Debian machine:
#   sh tests/data/make-dpkg-pairs.sh > tests/data/dpkg-pairs.txt
set -eu
versions='0 0~ 1 1.0 1.0-0 1.0-1 1.0~rc1-1 1.0~~ 1.0~ 1.00 0:1.0 1:0.9 2:0 1.0+b1 1.0-1+b1
1.0-1+deb12u7 1.0-1+deb12u14 1.0-1.1 1.0a 1.0Z 1.0.a 1.10 1.9 1.0-1~bpo12+1 1.0-1-1
2.36-9+deb12u14 2.36-9+deb12u7 19.1.7-3~deb12u1 0000001 1.0+-1 1:2:3-1 1:2.3-1 1a2 1a10
99999999999999999999999 99999999999999999999998'
for left in $versions; do
    seen=no
    for right in $versions; do
        [ "$left" = "$right" ] && seen=yes
        [ "$seen" = yes ] || continue
        if dpkg --compare-versions "$left" lt "$right"; then
            verdict='<'
        elif dpkg --compare-versions "$left" gt "$right"; then
            verdict='>'
        else
            verdict='='
        fi
        echo "$left $verdict $right"
    done
done
