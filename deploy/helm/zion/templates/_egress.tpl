{{/*
Whom the configuration has the gateway talk to, as URLs in a JSON list. test/deploy/helm-egress.test.ts compares the keys that are
read here with those of the schema.
*/}}
{{- define "zion.urls" -}}
{{- $urls := list -}}
{{- range $_, $url := .upstreams | default dict -}}{{- $urls = append $urls $url -}}{{- end -}}
{{- range $_, $upstream := .upstream | default dict -}}
{{- $urls = append $urls ($upstream.url | default "") -}}
{{- range $upstream.urls | default list -}}
{{- if kindIs "map" . -}}{{- $urls = append $urls (.url | default "") -}}{{- else -}}{{- $urls = append $urls . -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- range $_, $profile := .auth_profile | default dict -}}{{- $urls = append $urls ($profile.jwks_url | default "") -}}{{- end -}}
{{- $urls = append $urls (dig "endpoint" "" (.tracing | default dict)) -}}
{{- $urls = append $urls (dig "url" "" (.valkey | default dict)) -}}
{{- $urls = append $urls (dig "witness_url" "" (.audit | default dict)) -}}
{{- with (.tls | default dict).acme -}}
{{- $urls = append $urls (.directory_url | default "https://acme-v02.api.letsencrypt.org/directory") -}}
{{- range $_, $account := .account | default dict -}}
{{- $urls = append $urls ($account.directory_url | default "https://acme-v02.api.letsencrypt.org/directory") -}}
{{- end -}}
{{- end -}}
{{- without $urls "" | uniq | toJson -}}
{{- end -}}

{{/*
Rules for them. A name of the cluster opens its namespace, with all ports: rules see the port of a pod, which need not be that
of its Service. An address opens itself; any other name opens the port to everywhere but link-local addresses, where clouds
keep credentials. Takes {url, namespace}; empty for what leaves no pod.
*/}}
{{- define "zion.egress.rule" -}}
{{- $pattern := "^(https?|rediss?)://(?:[^/@]*@)?(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+)(?::([0-9]+))?(?:[/?].*)?$" -}}
{{- if regexMatch $pattern .url -}}
{{- $scheme := regexReplaceAll $pattern .url "${1}" -}}
{{- $host := regexReplaceAll $pattern .url "${2}" | trimPrefix "[" | trimSuffix "]" -}}
{{- $port := regexReplaceAll $pattern .url "${3}" | default (get (dict "http" "80" "https" "443" "redis" "6379" "rediss" "6379") $scheme) | int -}}
{{- $peers := list -}}
{{- $isAny := false -}}
{{- if regexMatch "^(localhost|127\\..*|::1)$" $host -}}
{{- else if regexMatch "^[0-9]+(\\.[0-9]+){3}$" $host -}}
{{- $peers = list (dict "ipBlock" (dict "cidr" (printf "%s/32" $host))) -}}
{{- else if contains ":" $host -}}
{{- $peers = list (dict "ipBlock" (dict "cidr" (printf "%s/128" $host))) -}}
{{- else if regexMatch "^[a-z0-9-]+$" $host -}}
{{- $isAny = true -}}
{{- $peers = list (dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" .namespace))) -}}
{{- else if regexMatch "^[a-z0-9-]+(\\.[a-z0-9-]+)*\\.[a-z0-9-]+\\.svc(\\.cluster\\.local)?\\.?$" $host -}}
{{- $isAny = true -}}
{{- $namespace := regexReplaceAll "^.*?([a-z0-9-]+)\\.svc(\\.cluster\\.local)?\\.?$" $host "${1}" -}}
{{- $peers = list (dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" $namespace))) -}}
{{- else -}}
{{- $peers = list
  (dict "ipBlock" (dict "cidr" "0.0.0.0/0" "except" (list "169.254.0.0/16")))
  (dict "ipBlock" (dict "cidr" "::/0" "except" (list "fe80::/10"))) -}}
{{- end -}}
{{- if $peers -}}
{{- $rule := dict "to" $peers -}}
{{- if not $isAny -}}{{- $_ := set $rule "ports" (list (dict "protocol" "TCP" "port" $port)) -}}{{- end -}}
{{- toJson $rule -}}
{{- end -}}
{{- end -}}
{{- end -}}
