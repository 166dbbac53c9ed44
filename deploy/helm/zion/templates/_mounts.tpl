{{/*
Files that the gateway reads, as [{volume, at, source}] in JSON. Secrets are 0440: the pod's group is the gateway's own, and it
refuses keys that others can read.
*/}}
{{- define "zion.mounts" -}}
{{- $mounts := list -}}
{{- with .Values.configFiles -}}
{{- $source := dict "configMap" (dict "name" (printf "%s-files" (include "zion.fullname" $))) -}}
{{- $mounts = append $mounts (dict "volume" "files" "at" "/etc/zion/files" "source" $source) -}}
{{- end -}}
{{- with .Values.tls.existingSecret -}}
{{- $mounts = append $mounts (include "zion.mounts.secret" (dict "volume" "tls-default" "at" "/etc/zion/tls/default" "name" .) | fromJson) -}}
{{- end -}}
{{- $seen := dict -}}
{{- range $index, $entry := .Values.tls.sni -}}
{{- if not (hasKey $seen .existingSecret) -}}
{{- $_ := set $seen .existingSecret true -}}
{{- $mounts = append $mounts (include "zion.mounts.secret" (dict "volume" (printf "tls-%d" $index) "at" (printf "/etc/zion/tls/%s" .existingSecret) "name" .existingSecret) | fromJson) -}}
{{- end -}}
{{- end -}}
{{- with .Values.acme.existingSecret -}}
{{- $mounts = append $mounts (include "zion.mounts.secret" (dict "volume" "acme" "at" "/etc/zion/secrets/acme" "name" . "key" $.Values.acme.key "path" "hmac") | fromJson) -}}
{{- end -}}
{{- with .Values.audit.existingSecret -}}
{{- $mounts = append $mounts (include "zion.mounts.secret" (dict "volume" "audit" "at" "/etc/zion/secrets/audit" "name" . "key" $.Values.audit.key "path" "key") | fromJson) -}}
{{- end -}}
{{- if and .Values.valkey.enabled .Values.valkey.existingSecret -}}
{{- $mounts = append $mounts (include "zion.mounts.secret" (dict "volume" "valkey" "at" "/etc/zion/secrets/valkey" "name" .Values.valkey.existingSecret "key" "password" "path" "password") | fromJson) -}}
{{- end -}}
{{- range .Values.secretMounts -}}
{{- $mounts = append $mounts (include "zion.mounts.secret" (dict "volume" (printf "secret-%s" .name) "at" (printf "/etc/zion/secrets/%s" .name) "name" .secretName) | fromJson) -}}
{{- end -}}
{{- toJson $mounts -}}
{{- end -}}

{{/* A Secret, whole or one key of it. */}}
{{- define "zion.mounts.secret" -}}
{{- $secret := dict "secretName" .name "defaultMode" 288 -}}
{{- with .key -}}{{- $_ := set $secret "items" (list (dict "key" . "path" $.path)) -}}{{- end -}}
{{- dict "volume" .volume "at" .at "source" (dict "secret" $secret) | toJson -}}
{{- end -}}
