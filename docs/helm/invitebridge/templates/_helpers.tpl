{{- define "invitebridge.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* Names have at most 63 characters; leave room for the suffixes. */}}
{{- define "invitebridge.fullname" -}}
{{- $name := include "invitebridge.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "invitebridge.selector" -}}
app.kubernetes.io/name: {{ include "invitebridge.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "invitebridge.labels" -}}
{{ include "invitebridge.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | trunc 63 | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "invitebridge.secretName" -}}
{{- default (include "invitebridge.fullname" .) .Values.secret.nameOverride -}}
{{- end -}}

{{- define "invitebridge.claimName" -}}
{{- default (include "invitebridge.fullname" .) .Values.persistence.existingClaim -}}
{{- end -}}

{{- define "invitebridge.image" -}}
{{- with .Values.image.registry }}{{ . }}/{{ end -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}

{{/* Not empty if the store is PostgreSQL. */}}
{{- define "invitebridge.postgres" -}}
{{- if or .Values.postgresql.existingSecret (include "invitebridge.isPostgres" (dig "dsn" "" .Values.invitebridge.config)) -}}
true
{{- end -}}
{{- end -}}

{{- define "invitebridge.isPostgres" -}}
{{- if regexMatch "^postgres(ql)?://" . -}}true{{- end -}}
{{- end -}}

{{- define "invitebridge.replicas" -}}
{{- $default := ternary 2 1 (not (empty (include "invitebridge.postgres" .))) -}}
{{- ternary $default .Values.replicaCount (kindIs "invalid" .Values.replicaCount) -}}
{{- end -}}

{{/* HTTP or HTTPS of a listener: pass (list . "admin"). */}}
{{- define "invitebridge.scheme" -}}
{{- $values := (index . 0).Values -}}
{{- ternary "HTTPS" "HTTP" (not (empty (dig "serve" (index . 1) "tls" "" $values.invitebridge.config))) -}}
{{- end -}}

{{/* Keys of the configuration that can hold a secret. */}}
{{- define "invitebridge.secretKeys" -}}
- hooks
- clients.http.private_ip_exception_urls
- courier.smtp.connection_uri
- kratos.admin_token
- serve.admin.api_keys
- serve.admin.tls.key.base64
- serve.public.tls.key.base64
- tracing.providers.otlp.authorization_header
{{- end -}}

{{/* The configuration split in three: YAML of {config, secrets, dsn}. The last is that
of a database, and otherwise empty. */}}
{{- define "invitebridge.parts" -}}
{{- $config := deepCopy .Values.invitebridge.config -}}
{{- $dsn := "" -}}
{{- if include "invitebridge.postgres" . -}}
  {{- $dsn = ternary "" (dig "dsn" "" $config) (not (empty .Values.postgresql.existingSecret)) -}}
  {{- $config = omit $config "dsn" -}}
{{- end -}}
{{- $secrets := dict -}}
{{- range include "invitebridge.secretKeys" . | fromYamlArray -}}
  {{- $path := splitList "." . -}}
  {{- $key := last $path -}}
  {{- $around := $config -}}
  {{- range initial $path -}}
    {{- $around = get $around . | default dict -}}
  {{- end -}}
  {{- if get $around $key -}}
    {{- $part := pick $around $key -}}
    {{- range initial $path | reverse -}}
      {{- $part = dict . $part -}}
    {{- end -}}
    {{- $secrets = mergeOverwrite $secrets $part -}}
  {{- end -}}
  {{- $_ := unset $around $key -}}
{{- end -}}
{{- with .Values.serviceMonitor.apiKey -}}
  {{- $key := dict "name" "prometheus" "key_sha256" (sha256sum .) "scopes" (list "metrics") -}}
  {{- $keys := append (dig "serve" "admin" "api_keys" list $secrets) $key -}}
  {{- $secrets = mergeOverwrite $secrets (dict "serve" (dict "admin" (dict "api_keys" $keys))) -}}
{{- end -}}
{{- dict "config" $config "secrets" $secrets "dsn" $dsn | toYaml -}}
{{- end -}}

{{/* A digest of everything that needs a restart. */}}
{{- define "invitebridge.checksum" -}}
{{- $config := omit (deepCopy .Values.invitebridge.config) "hooks" "clients" "courier" "page" -}}
{{- $_ := unset (get $config "log" | default dict) "level" -}}
{{- $_ := unset (dig "serve" "admin" dict $config) "api_keys" -}}
{{- $config | toJson | sha256sum -}}
{{- end -}}

{{/* Values that the chart refuses, before it renders anything. */}}
{{- define "invitebridge.check" -}}
{{- $parts := include "invitebridge.parts" . | fromYaml -}}
{{- $secrets := $parts.secrets -}}
{{- $dsn := dig "dsn" "" .Values.invitebridge.config -}}
{{- if include "invitebridge.postgres" . -}}
  {{- if and .Values.postgresql.existingSecret (include "invitebridge.isPostgres" $dsn) -}}
    {{- fail "the dsn is given twice: remove invitebridge.config.dsn or postgresql.existingSecret" -}}
  {{- end -}}
{{- else -}}
  {{- if gt (include "invitebridge.replicas" . | int) 1 -}}
    {{- fail "replicaCount must be 1, or 0 to stop, with a dsn of bolt://: one process owns the store's file, and a second could only wait for it. Several replicas need a dsn of postgres://" -}}
  {{- end -}}
  {{- if not (hasPrefix "bolt:///var/lib/invitebridge/" $dsn) -}}
    {{- fail "invitebridge.config.dsn must name a file in /var/lib/invitebridge, where the volume is, or begin with postgres://" -}}
  {{- end -}}
{{- end -}}
{{- if .Values.secret.enabled -}}
  {{- if and (empty (dig "serve" "admin" "api_keys" list $secrets)) (empty .Values.statefulSet.environmentSecretsName) -}}
    {{- fail "invitebridge.config.serve.admin.api_keys must have at least one key" -}}
  {{- end -}}
{{- else -}}
  {{- if $parts.dsn -}}
    {{- fail "secret.enabled is false: invitebridge.config.dsn belongs in a Secret that postgresql.existingSecret names, and not into the values" -}}
  {{- end -}}
  {{- if $secrets -}}
    {{- fail (printf "secret.enabled is false: what is under %s belongs in secrets.yml of the Secret, and not into the values" (keys $secrets | sortAlpha | join ", ")) -}}
  {{- end -}}
  {{- if empty .Values.secret.nameOverride -}}
    {{- fail "secret.enabled is false: secret.nameOverride must name the Secret" -}}
  {{- end -}}
{{- end -}}
{{- end -}}
