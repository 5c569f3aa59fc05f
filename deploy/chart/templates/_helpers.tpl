{{- define "mailjob.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "mailjob.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "mailjob.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "mailjob.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The Service's name must begin with a letter, and that is known only after other objects were made. */}}
{{- define "mailjob.nameIsFit" -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]*$" (include "mailjob.fullname" .)) -}}
{{- fail (printf "%q can't be the name of a Service: set fullnameOverride to one of a-z, 0-9 and -, beginning with a letter" (include "mailjob.fullname" .)) -}}
{{- end -}}
{{- end -}}

{{/* It is put behind [service] and [retention], which are made of other values. */}}
{{- define "mailjob.configIsFit" -}}
{{- if regexMatch "(?m)^\\s*\\[\\[?\\s*[\"']?(service|retention)[\"']?\\s*[\\].]" .Values.config -}}
{{- fail "config has a table [service] or [retention], which the chart makes: set service, retention, health and ledger in the values, and leave the table out of config" -}}
{{- end -}}
{{- if regexMatch "^(\\s*(#[^\\n]*)?\\n)*\\s*[^\\s#\\[]" .Values.config -}}
{{- fail "config begins with a key that is in no table, and would count as one of [service]: begin with the table that it belongs to, such as [accounts.office]" -}}
{{- end -}}
{{- end -}}

{{- define "mailjob.selector" -}}
app.kubernetes.io/name: {{ include "mailjob.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "mailjob.labels" -}}
{{ include "mailjob.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "mailjob.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "mailjob.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "mailjob.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The part of mailjob.toml that counts only from a start on. */}}
{{- define "mailjob.service" -}}
[service]
ledger = "/var/lib/mailjob/mailjob.db"
key = { file = "/etc/mailjob/key/key" }
health = {{ printf "%s:%d" .Values.health.address (int .Values.health.port) | quote }}
drain = "{{ int .Values.service.drainSeconds }}s"
memory = {{ .Values.service.memory | quote }}
{{- if .Values.service.commands }}
commands = {{ int .Values.service.commands }}
{{- end }}

{{- with .Values.retention }}

{{ dict "retention" . | toToml | trim }}
{{- end }}
{{- end -}}

{{/* The claim of the ledger: yours, or the one that is made. Charts of before had the StatefulSet make it, under this name. */}}
{{- define "mailjob.claim" -}}
{{- default (printf "ledger-%s-0" (include "mailjob.fullname" .)) .Values.ledger.existingClaim }}
{{- end }}

{{/* "true" where the claim is an object of this release: it is not there yet, or Helm made it. */}}
{{- define "mailjob.claimIsOurs" -}}
{{- if .Values.ledger.existingClaim -}}
false
{{- else -}}
{{- $there := lookup "v1" "PersistentVolumeClaim" .Release.Namespace (include "mailjob.claim" .) -}}
{{- $owner := dig "metadata" "labels" "app.kubernetes.io/managed-by" "" (default dict $there) -}}
{{- or (not $there) (eq $owner "Helm") -}}
{{- end -}}
{{- end }}
