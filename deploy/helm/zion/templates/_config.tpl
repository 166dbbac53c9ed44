{{/*
The configuration that the gateway gets, as JSON: `config`, and what other values say where it is silent. Nothing that an
operator wrote is changed.
*/}}
{{- define "zion.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $server := get $config "server" | default dict -}}
{{- $tls := get $config "tls" | default dict -}}
{{- with .Values.tls.existingSecret -}}
{{- $_ := include "zion.config.default" (dict "table" $tls "key" "cert_path" "value" "/etc/zion/tls/default/tls.crt") -}}
{{- $_ := include "zion.config.default" (dict "table" $tls "key" "key_path" "value" "/etc/zion/tls/default/tls.key") -}}
{{- $_ := include "zion.config.default" (dict "table" $server "key" "listen_https" "value" "0.0.0.0:8443") -}}
{{- end -}}
{{- with .Values.tls.sni -}}
{{- $sni := get $tls "sni" | default list -}}
{{- range . -}}
{{- $at := printf "/etc/zion/tls/%s" .existingSecret -}}
{{- $sni = append $sni (dict "server_name" .serverName "cert_path" (printf "%s/tls.crt" $at) "key_path" (printf "%s/tls.key" $at)) -}}
{{- end -}}
{{- $_ := set $tls "sni" $sni -}}
{{- end -}}
{{- if .Values.acme.existingSecret -}}
{{- if not (hasKey $tls "acme") -}}{{- fail "acme.existingSecret is the key of an account: config.tls.acme says which" -}}{{- end -}}
{{- $_ := include "zion.config.default" (dict "table" $tls.acme "key" "eab_hmac_file" "value" "/etc/zion/secrets/acme/hmac") -}}
{{- end -}}
{{- if .Values.audit.existingSecret -}}
{{- $audit := get $config "audit" | default dict -}}
{{- $_ := include "zion.config.default" (dict "table" $audit "key" "enabled" "value" true) -}}
{{- $_ := include "zion.config.default" (dict "table" $audit "key" "key_file" "value" "/etc/zion/secrets/audit/key") -}}
{{- if not (get $config "amnesia") -}}
{{- $_ := include "zion.config.default" (dict "table" $audit "key" "path" "value" "/var/lib/zion/audit") -}}
{{- end -}}
{{- $_ := set $config "audit" $audit -}}
{{- end -}}
{{- if .Values.valkey.enabled -}}
{{- $store := get $config "valkey" | default dict -}}
{{- if not (hasKey $store "url") -}}
{{- $_ := set $store "url" (printf "redis://%s:6379" (include "zion.valkey.name" .)) -}}
{{- $_ := set $store "allow_plaintext" true -}}
{{- if .Values.valkey.existingSecret -}}
{{- $_ := set $store "username" "zion" -}}
{{- $_ := set $store "password_file" "/etc/zion/secrets/valkey/password" -}}
{{- end -}}
{{- end -}}
{{- $_ := set $config "valkey" $store -}}
{{- end -}}
{{- $_ := set $config "server" $server -}}
{{- if $tls -}}{{- $_ := set $config "tls" $tls -}}{{- end -}}
{{- toJson $config -}}
{{- end -}}

{{/* Sets a key of a table that has none. */}}
{{- define "zion.config.default" -}}
{{- if not (hasKey .table .key) -}}{{- $_ := set .table .key .value -}}{{- end -}}
{{- end -}}

{{/* zion.toml. */}}
{{- define "zion.config.toml" -}}
# Written by the chart from `config`: a change here is lost with the next `helm upgrade`.
{{- include "zion.toml.table" (dict "prefix" "" "table" (include "zion.config" . | fromJson)) }}
{{ end -}}

{{/* What a reload cannot put in force: a change of it replaces the pods. */}}
{{- define "zion.config.fixed" -}}
{{- $config := include "zion.config" . | fromJson -}}
{{- $server := get $config "server" | default dict -}}
{{- $audit := get $config "audit" | default dict -}}
{{- list (get $config "amnesia") (get $server "state_dir") (pick $audit "name" "key_file" "key_env" "previous_key_file" "previous_key_env") | toJson -}}
{{- end -}}

{{/* The port of an address as zion.toml has it; empty without one. */}}
{{- define "zion.port" -}}
{{- regexFind "[0-9]+$" (. | default "") -}}
{{- end -}}

{{/*
What is asked of an operator before anything is made.
*/}}
{{- define "zion.validate" -}}
{{- $config := include "zion.config" . | fromJson -}}
{{- $listen := ($config.telemetry | default dict).listen | default "" -}}
{{- if regexMatch "^(127\\.|\\[?::1|off$|$)" $listen -}}
{{- fail "config.telemetry.listen: probes and Prometheus come from outside the pod; write \"0.0.0.0:9464\"" -}}
{{- end -}}
{{- if eq (trimSuffix "/" (dig "state_dir" "" ($config.server | default dict))) "/var/lib/zion" -}}
{{- fail "config.server.state_dir: it must be the gateway's alone, and a volume is open to its group; write \"/var/lib/zion/state\"" -}}
{{- end -}}
{{- $replicas := include "zion.replicas.min" . | int -}}
{{- $most := ternary .Values.autoscaling.maxReplicas .Values.replicaCount .Values.autoscaling.enabled | int -}}
{{- if and (hasKey .Values.stateVolume "persistentVolumeClaim") (or (gt $most 1) (ne .Values.updateStrategy.type "Recreate")) -}}
{{- fail "stateVolume: state_dir belongs to one gateway at a time, so a claim needs replicaCount 1 and updateStrategy {type: Recreate, rollingUpdate: null}" -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt $replicas $most) -}}
{{- fail "autoscaling: minReplicas is more than maxReplicas" -}}
{{- end -}}
{{- end -}}
