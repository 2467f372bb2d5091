{{/* The template of the Pods: of the StatefulSet, and with PostgreSQL of the Deployment. */}}
{{- define "invitebridge.pod" -}}
{{- $set := .Values.statefulSet -}}
{{- $postgres := include "invitebridge.postgres" . -}}
metadata:
  labels:
    {{- include "invitebridge.labels" . | nindent 4 }}
    {{- with $set.podMetadata.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/config: {{ include "invitebridge.checksum" . }}
    {{- with $set.podMetadata.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- with $set.serviceAccountName }}
  serviceAccountName: {{ . }}
  {{- end }}
  automountServiceAccountToken: false
  # Otherwise Kubernetes adds variables that look like the bridge's own.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ add $set.terminationGracePeriodSeconds (include "invitebridge.preStop" . | int) }}
  securityContext:
    {{- toYaml $set.podSecurityContext | nindent 4 }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $set.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $set.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $set.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $set.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if $postgres }}
  topologySpreadConstraints:
    {{- include "invitebridge.spread" . | trim | nindent 4 }}
  {{- if .Values.postgresql.migrate.enabled }}
  initContainers:
    # Each Pod does it before it starts: one migrates, the others wait.
    - name: migrate
      image: {{ include "invitebridge.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [migrate, sql, -e, --yes]
      env:
        {{- include "invitebridge.dsnFrom" (list . .Values.postgresql.migrate) | nindent 8 }}
        {{- with $set.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      resources:
        {{- toYaml $set.resources | nindent 8 }}
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
      {{- with $set.extraVolumeMounts }}
      volumeMounts:
        {{- toYaml . | nindent 8 }}
      {{- end }}
  {{- end }}
  {{- end }}
  containers:
    - name: invitebridge
      image: {{ include "invitebridge.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve, -c, /etc/invitebridge/invitebridge.yml, -c, /etc/invitebridge/secrets.yml]
      {{- if or $postgres $set.extraEnv }}
      env:
        {{- if $postgres }}
        {{- include "invitebridge.dsnFrom" (list . .Values.postgresql) | nindent 8 }}
        {{- end }}
        {{- with $set.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      {{- with $set.environmentSecretsName }}
      envFrom:
        - secretRef:
            name: {{ . }}
      {{- end }}
      ports:
        {{- range list "public" "admin" }}
        - name: http-{{ . }}
          containerPort: {{ dig "serve" . "port" (ternary 4488 4489 (eq . "public")) $.Values.invitebridge.config }}
          protocol: TCP
        {{- end }}
      {{- range $probe, $path := dict "startupProbe" "alive" "livenessProbe" "alive" "readinessProbe" "ready" }}
      {{ $probe }}:
        httpGet:
          path: /health/{{ $path }}
          port: http-admin
          scheme: {{ include "invitebridge.scheme" (list $ "admin") }}
        {{- toYaml (get $set $probe) | nindent 8 }}
      {{- end }}
      {{- with include "invitebridge.preStop" . | int }}
      lifecycle:
        # The Service stops sending requests to the Pod before the bridge refuses them.
        preStop: { sleep: { seconds: {{ . }} } }
      {{- end }}
      resources:
        {{- toYaml $set.resources | nindent 8 }}
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
      volumeMounts:
        - name: config
          mountPath: /etc/invitebridge
          readOnly: true
        {{- if not $postgres }}
        - name: store
          mountPath: /var/lib/invitebridge
        {{- end }}
        {{- with $set.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    # One volume, so that both files change at the same moment.
    - name: config
      projected:
        defaultMode: 0440
        sources:
          - configMap:
              name: {{ include "invitebridge.fullname" . }}
          - secret:
              name: {{ include "invitebridge.secretName" . }}
              items: [{ key: secrets.yml, path: secrets.yml }]
    {{- if not $postgres }}
    # One claim, not one per replica: a second replica would start with an empty
    # store of its own, and half of all links would be unknown. With one claim it
    # waits.
    - name: store
      persistentVolumeClaim:
        claimName: {{ include "invitebridge.claimName" . }}
    {{- end }}
    {{- with $set.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* Replicas on different nodes and in different zones, if there are any. During a
rollout, the replicas of each revision are spread by themselves. */}}
{{- define "invitebridge.spread" -}}
{{- if .Values.deployment.topologySpreadConstraints -}}
{{- toYaml .Values.deployment.topologySpreadConstraints -}}
{{- else -}}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- topologyKey: {{ . }}
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "invitebridge.selector" $ | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end -}}
{{- end -}}

{{/* Seconds before SIGTERM; 0: none. Kubernetes has the action since 1.30. */}}
{{- define "invitebridge.preStop" -}}
{{- if and (include "invitebridge.postgres" .) (semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version) -}}
{{- .Values.deployment.preStopSeconds -}}
{{- else -}}
0
{{- end -}}
{{- end -}}

{{/* The variable with the DSN: pass (list . VALUES), where VALUES may name a Secret of
its own. */}}
{{- define "invitebridge.dsnFrom" -}}
{{- $root := index . 0 -}}
{{- $postgresql := $root.Values.postgresql -}}
{{- $from := ternary (index . 1) $postgresql (not (empty (index . 1).existingSecret)) -}}
- name: INVITEBRIDGE_DSN
  valueFrom:
    secretKeyRef:
      name: {{ default (include "invitebridge.secretName" $root) $from.existingSecret }}
      key: {{ ternary $from.existingSecretKey "dsn" (not (empty $from.existingSecret)) }}
{{- end -}}
