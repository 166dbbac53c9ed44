/** What a report quotes of a configuration, without the credentials in it: reports are sent around. */
export function withoutSecrets(text: string): string {
  const named =
    /((?:^|[\s.,{])["']?(?:password|passwd|client_?secret|secret|token|api[-_]?key|hmac[-_]?key)["']?\s*[:=]\s*["']?)[^\s"',\]}]+/gi;
  return withoutHashes(text).replace(named, "$1<hidden>");
}

/** Hashes of passwords, credentials of Authorization, passwords of URLs. */
export function withoutHashes(text: string): string {
  return text
    .replace(/\$(?:2[abxy]|apr1|argon2\w*|scrypt|[156y])\$[^\s"',\]}]+/g, "<hash>")
    .replace(/\{(?:SHA|SSHA|PLAIN)\}[^\s"',\]}]+/gi, "<hash>")
    .replace(/\b(Basic|Bearer)\s+[\w+/.=~-]{12,}/g, "$1 <hidden>")
    .replace(/(\w+:\/\/[^\s/:@"']*:)[^\s/@"']+(?=@)/g, "$1<hidden>");
}
