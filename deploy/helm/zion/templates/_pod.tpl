{{/* What every container of the gateway's image may do: Pod Security "restricted". */}}
{{- define "zion.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "zion.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* "true" where a listener of clients wants a port below 1024. */}}
{{- define "zion.hasLowPort" -}}
{{- $low := false -}}
{{- range list (.server.listen_http | default "") (.server.listen_https | default "") -}}
{{- $port := include "zion.port" . -}}
{{- if and $port (lt (int $port) 1024) -}}{{- $low = true -}}{{- end -}}
{{- end -}}
{{- $low -}}
{{- end -}}

{{/*
Memory for the connections that the configuration allows, in MiB. 120 MiB for each worker and 128 KiB for each of its
connections, as the gateway itself reckons the other way round (src/control/connection-ceiling.ts); 200 MiB for the primary, 80
for the writer of the audit log (bench/results/idle.md and soak.md); bodies held for inspection as configured, or an eighth of it
all.
*/}}
{{- define "zion.memoryMi" -}}
{{- $server := .server | default dict -}}
{{- $workers := int64 ($server.workers | default 0) -}}
{{- $connections := int64 ($server.max_connections | default 0) -}}
{{- if or (eq $workers 0) (eq $connections 0) -}}
{{- fail "resources.limits.memory: it follows from config.server.workers and config.server.max_connections; set both, or a limit" -}}
{{- end -}}
{{- $processes := add (mul $workers 120) 200 (ternary 80 0 (dig "enabled" false (.audit | default dict))) -}}
{{- $needed := add $processes (div (add (mul $connections 128) 1023) 1024) -}}
{{- $held := int64 (dig "max_buffered_mb" 0 (.waf | default dict)) -}}
{{- if gt $held 0 -}}
{{- add $needed (mul $held $workers) -}}
{{- else -}}
{{- div (add (mul $needed 8) 6) 7 -}}
{{- end -}}
{{- end -}}

{{- define "zion.resources" -}}
{{- $resources := deepCopy .Values.resources -}}
{{- $limits := get $resources "limits" | default dict -}}
{{- if not $limits.memory -}}
{{- $_ := set $limits "memory" (printf "%sMi" (include "zion.memoryMi" (include "zion.config" . | fromJson))) -}}
{{- end -}}
{{- $requests := get $resources "requests" | default dict -}}
{{- if not $requests.memory -}}{{- $_ := set $requests "memory" $limits.memory -}}{{- end -}}
{{- toYaml (dict "requests" $requests "limits" $limits) -}}
{{- end -}}

{{/* Seconds from the end of a pod to its kill: hook, delay, grace, and what the primary takes beyond it. */}}
{{- define "zion.graceSeconds" -}}
{{- $server := (include "zion.config" . | fromJson).server -}}
{{- $delayMs := ternary $server.shutdown_delay_ms 5000 (hasKey $server "shutdown_delay_ms") | int64 -}}
{{- $graceMs := ternary $server.shutdown_grace_ms 30000 (hasKey $server "shutdown_grace_ms") | int64 -}}
{{- $needed := add (int64 .Values.preStopSleepSeconds) (div (add $delayMs $graceMs 999) 1000) 10 -}}
{{- $set := int64 .Values.terminationGracePeriodSeconds -}}
{{- if and (gt $set 0) (lt $set $needed) -}}
{{- fail (printf "terminationGracePeriodSeconds: a drain as configured takes %d s with the hook; write 0, or more" $needed) -}}
{{- end -}}
{{- ternary $set $needed (gt $set 0) -}}
{{- end -}}
