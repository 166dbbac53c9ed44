{{/*
TOML from values, whatever they are (docs/decisions/0028-toml-in-the-chart.md). Helm's own toToml writes integers as floats
("50.0", "1e+07") and leaves characters in texts that end a line in YAML (U+0085, U+2028), so a value could put lines of its own
into the manifest. Here every text is JSON's form of it, which is TOML's too, with all that YAML or TOML do not take escaped.
*/}}

{{/* A table as lines: keys first, then tables, each with its whole path. Takes {prefix, table}. */}}
{{- define "zion.toml.table" -}}
{{- $prefix := .prefix -}}
{{- range $key, $value := .table -}}
{{- if not (or (kindIs "map" $value) (kindIs "invalid" $value) (eq (include "zion.toml.isTables" $value) "true")) }}
{{ include "zion.toml.key" $key }} = {{ include "zion.toml.value" $value }}
{{- end -}}
{{- end -}}
{{- range $key, $value := .table -}}
{{- $path := printf "%s%s" $prefix (include "zion.toml.key" $key) -}}
{{- if kindIs "map" $value }}

[{{ $path }}]
{{- include "zion.toml.table" (dict "prefix" (printf "%s." $path) "table" $value) -}}
{{- else if eq (include "zion.toml.isTables" $value) "true" -}}
{{- range $value }}

[[{{ $path }}]]
{{- include "zion.toml.table" (dict "prefix" (printf "%s." $path) "table" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* "true" for a list of which every element is a map, and that has one. */}}
{{- define "zion.toml.isTables" -}}
{{- $is := false -}}
{{- if kindIs "slice" . -}}
{{- $is = gt (len .) 0 -}}
{{- range . -}}{{- if not (kindIs "map" .) -}}{{- $is = false -}}{{- end -}}{{- end -}}
{{- end -}}
{{- $is -}}
{{- end -}}

{{/* A value within a line. */}}
{{- define "zion.toml.value" -}}
{{- if kindIs "string" . -}}
{{- include "zion.toml.string" . -}}
{{- else if kindIs "bool" . -}}
{{- . -}}
{{- else if kindIs "float64" . -}}
{{- /* YAML's numbers all come as floats. From 2^53 on they are no whole numbers that anybody wrote. */ -}}
{{- if and (eq . (floor .)) (lt . 9007199254740992.0) (gt . -9007199254740992.0) -}}{{- printf "%.0f" . -}}
{{- else if eq . (floor .) -}}{{- printf "%.16e" . -}}
{{- else -}}{{- toJson . -}}{{- end -}}
{{- else if kindIs "slice" . -}}
{{- $parts := list -}}
{{- range . -}}{{- $parts = append $parts (include "zion.toml.value" .) -}}{{- end -}}
{{- printf "[%s]" (join ", " $parts) -}}
{{- else if kindIs "map" . -}}
{{- $parts := list -}}
{{- range $key, $value := . -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $parts = append $parts (printf "%s = %s" (include "zion.toml.key" $key) (include "zion.toml.value" $value)) -}}
{{- end -}}
{{- end -}}
{{- printf "{ %s }" (join ", " $parts) -}}
{{- else if kindIs "invalid" . -}}
{{- fail "config: null has no meaning within a list" -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{- define "zion.toml.key" -}}
{{- if regexMatch "^[A-Za-z0-9_-]+$" . -}}{{- . -}}{{- else -}}{{- include "zion.toml.string" . -}}{{- end -}}
{{- end -}}

{{- define "zion.toml.string" -}}
{{- $text := toRawJson . -}}
{{- range concat (untilStep 127 160 1) (list 65279 65534 65535) -}}
{{- $text = replace (printf "%c" .) (printf "\\u%04x" .) $text -}}
{{- end -}}
{{- $text -}}
{{- end -}}
