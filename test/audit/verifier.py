#!/usr/bin/env python3
"""An independent reading of the audit log's format (docs/audit.md), to check the gateway's own verifier against.

verifier.py DIRECTORY ROOT_KEY_HEX [ANCHOR_FILE]   prints the exit code that `zion audit verify` has to give:
0 sound, 2 altered, 3 truncated or forked, 5 segment missing. Standard library only.
"""
import base64
import hashlib
import hmac
import json
import os
import re
import sys

# --- RFC 8032 Ed25519, verification only, as simple as it gets
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(n, point):
    result = (0, 1, 1, 0)
    while n > 0:
        if n & 1:
            result = add(result, point)
        point, n = add(point, point), n >> 1
    return result


def decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P != 0:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P != 0:
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed(public, message, signature):
    a, r = decompress(public), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = multiply(s, BASE), add(r, multiply(k, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# --- RFC 6962
def root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256().digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(leaves[:split]) + root(leaves[split:])).digest()


# --- the log
def hkdf(key, salt, info):
    first = hmac.new(salt, key, "sha256").digest()
    return hmac.new(first, info + b"\1", "sha256").digest()


def fail(code):
    print(code)
    sys.exit(0)


def read_notes(path, keys, log):
    """Sizes and roots of the checkpoints in a file that are of this log."""
    found = []
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    for match in re.finditer(r"((?:[^\n]+\n)+)\n((?:\u2014 [^\n]+\n)+)", text):
        origin, size, digest = match[1].split("\n")[:3]
        if not origin.endswith("/" + log):
            continue
        for line in match[2].splitlines():
            # Shorter than a signature: a crash cut it off.
            if len(line.split(" ")[-1]) < 92:
                continue
            _, name, blob = line.split(" ")
            blob = base64.b64decode(blob)
            for vkey in keys:
                kname, kid, raw = vkey.split("+", 2)
                if kname == name and bytes.fromhex(kid) == blob[:4]:
                    if not signed(base64.b64decode(raw)[1:], match[1].encode(), blob[4:]):
                        fail(2)
                    found.append((int(size), base64.b64decode(digest)))
    return found


def main(directory, key, anchor=None):
    names = sorted(n for n in os.listdir(directory) if re.fullmatch(r"audit-[0-9a-f]{20}-\d{10}\.ndjson", n))
    if not names:
        fail(5)
    log = names[0][6:26]
    lines, numbers = [], [int(n[27:37]) for n in names]
    if numbers != list(range(1, len(numbers) + 1)):
        fail(5)
    for name in names:
        with open(os.path.join(directory, name), "rb") as file:
            data = file.read()
        whole, torn = data.rsplit(b"\n", 1) if b"\n" in data else (b"", data)
        lines += whole.split(b"\n") if whole else []
        if torn and re.search(rb',"mac":"[\w-]{43}"\}.$', torn, re.S):
            fail(2)
    leaves, previous, mac_key, state, keys, last_n = [], None, None, None, [], {}
    altered = False
    for seq, line in enumerate(lines):
        match = re.fullmatch(rb'(\{[\x20-\x7e]*),"mac":"([\w-]{43})"\}', line)
        try:
            record = json.loads(match[1] + b"}") if match else None
        except ValueError:
            record = None
        if not isinstance(record, dict) or record.get("seq") != seq:
            altered = True
            break
        body = match[1] + b"}"
        data = record.get("data") or {}
        if seq == 0:
            keys = [data.get("vkey", "++AA==")]
            public = base64.b64decode(keys[0].split("+", 2)[2])[1:]
            previous = hashlib.sha256(b"genesis" + log.encode() + public).digest()
        if "vkey" in data:
            keys.append(data["vkey"])
        at = (record["boot"], record["ep"])
        if at != state:
            starts = record["ep"] == 0 and (seq == 0 or record["kind"] in ("process_start", "segment_open"))
            steps = state and at[0] == state[0] and at[1] == state[1] + 1
            if starts:
                mac_key = hkdf(key, (log + "\0" + record["boot"]).encode(), b"mac")
            elif steps and record["kind"] in ("key_step", "segment_open"):
                mac_key = hmac.new(mac_key, b"step\1", "sha256").digest()
            else:
                altered = True
                break
            state = at
        message = b"zion-audit/v1\0" + log.encode() + b"\0" + seq.to_bytes(8, "big") + previous + body
        mac = base64.urlsafe_b64decode(match[2] + b"=")
        if base64.urlsafe_b64encode(mac)[:43] != match[2] or hmac.new(mac_key, message, "sha256").digest() != mac:
            altered = True
            break
        if "w" in record:
            b, n = record["w"]["b"], record["w"]["n"]
            first = data["from"] if record["kind"] == "drop" else n + 1 if record["kind"] == "worker_start" else n
            if first != last_n.get(b, 0) + (record["kind"] != "worker_exit"):
                altered = True
            last_n[b] = n
        leaves.append(hashlib.sha256(b"\0" + line).digest())
        previous = mac
    heads = []
    files = [n for n in os.listdir(directory) if n.startswith("audit-" + log) and n.endswith(".notes")]
    for path in [os.path.join(directory, n) for n in files] + ([anchor] if anchor else []):
        heads += read_notes(path, keys, log)
    if altered:
        fail(2)
    if any(size <= len(leaves) and root(leaves[:size]) != digest for size, digest in heads):
        fail(3)
    fail(3 if any(size > len(leaves) for size, _ in heads) else 0)


main(sys.argv[1], bytes.fromhex(sys.argv[2]), *sys.argv[3:4])
