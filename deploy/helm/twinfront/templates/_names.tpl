{{- define "twinfront.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "twinfront.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "twinfront.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{ include "twinfront.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "twinfront.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "twinfront.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "twinfront.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The variable of a setting: drain-delay is TWINFRONT_DRAIN_DELAY. */}}
{{- define "twinfront.variable" -}}
TWINFRONT_{{ . | upper | replace "-" "_" }}
{{- end -}}

{{/* A value as the server reads it: switches are on and off, and a number of a million is not 1e+06. */}}
{{- define "twinfront.value" -}}
{{- if kindIs "bool" . -}}{{ . | ternary "on" "off" }}
{{- else if kindIs "float64" . -}}{{ eq (float64 (int64 .)) . | ternary (toString (int64 .)) (toString .) }}
{{- else -}}{{ . }}
{{- end -}}
{{- end -}}

{{/* The ways in which callers are known, as the server reads them. */}}
{{- define "twinfront.auth" -}}
{{- default "" (index .Values.settings "auth") | nospace -}}
{{- end -}}

{{/* Not empty where callers are known by a token or a certificate: then those with certificates have a port of their own. */}}
{{- define "twinfront.eitherWay" -}}
{{- $kinds := splitList "," (include "twinfront.auth" .) -}}
{{- if and (has "jwt" $kinds) (has "mtls" $kinds) -}}true{{- end -}}
{{- end -}}

{{- define "twinfront.servicePorts" -}}
- {name: grpc, port: {{ .Values.service.port }}, targetPort: grpc, appProtocol: grpc}
{{- if include "twinfront.eitherWay" . }}
- {name: grpc-mtls, port: {{ .Values.service.mtlsPort }}, targetPort: grpc-mtls, appProtocol: grpc}
{{- end }}
{{- end -}}

{{/* What does not go together is refused here, in words, before a pod is told so. */}}
{{- define "twinfront.check" -}}
{{- if not .Values.upstream -}}
{{- fail "upstream is missing: give the URL of the Azure Digital Twins instance, or local" -}}
{{- end -}}
{{- if and (eq .Values.upstream "local") (or (gt (int .Values.replicas) 1) .Values.autoscaling.enabled) -}}
{{- fail "upstream local has one pod, since each keeps twins of its own: set replicas to 1 and autoscaling.enabled to false" -}}
{{- end -}}
{{- if and (not .Values.tls.secret) (not .Values.insecure) -}}
{{- fail "tls.secret is missing: give the secret with the server's certificate, or allow callers in the clear with insecure" -}}
{{- end -}}
{{- if and (eq (default "" (index .Values.settings "engine")) "native") .Values.tls.secret -}}
{{- fail "settings.engine native has no TLS: leave out tls.secret, and have a mesh or a proxy end it" -}}
{{- end -}}
{{- if and .Values.tls.clientCaKey (not .Values.tls.secret) -}}
{{- fail "tls.clientCaKey needs tls.secret" -}}
{{- end -}}
{{- if and (has "mtls" (splitList "," (include "twinfront.auth" .))) (not .Values.tls.clientCaKey) -}}
{{- fail "settings.auth mtls needs tls.clientCaKey, the authorities of client certificates" -}}
{{- end -}}
{{- if and (include "twinfront.eitherWay" .) (eq (int .Values.service.port) (int .Values.service.mtlsPort)) -}}
{{- fail "service.port and service.mtlsPort are the same, and settings.auth jwt,mtls needs both" -}}
{{- end -}}
{{- if not (or .Values.tls.clientCaKey (hasKey .Values.settings "auth") (hasKey .Values.secretSettings "auth")) -}}
{{- fail "settings.auth is missing: say how callers are known (jwt, mtls), or that everybody may call (none)" -}}
{{- end -}}
{{- range $name := list "listen" "mtls-listen" "metrics-listen" "data-dir" "upstream" "tls-cert" "tls-key" "tls-client-ca" "policy" "insecure" "greeting" -}}
{{- if or (hasKey $.Values.settings $name) (hasKey $.Values.secretSettings $name) -}}
{{- fail (printf "settings.%s is the chart's to set" $name) -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := .Values.secretSettings -}}
{{- if hasKey $.Values.settings $name -}}
{{- fail (printf "%s stands in settings and in secretSettings" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Seconds of a duration as the server takes it: 30, 30s, 5m, 1h; below a second counts as one. */}}
{{- define "twinfront.seconds" -}}
{{- $text := toString . -}}
{{- if hasSuffix "ms" $text -}}1
{{- else if hasSuffix "h" $text -}}{{ mulf (trimSuffix "h" $text) 3600 | ceil | int }}
{{- else if hasSuffix "m" $text -}}{{ mulf (trimSuffix "m" $text) 60 | ceil | int }}
{{- else -}}{{ mulf (trimSuffix "s" $text) 1 | ceil | int }}
{{- end -}}
{{- end -}}

{{/* The delay and grace of a drain, and some seconds to stop. */}}
{{- define "twinfront.terminationGrace" -}}
{{- $delay := include "twinfront.seconds" (default "5s" (index .Values.settings "drain-delay")) | int -}}
{{- $grace := include "twinfront.seconds" (default "30s" (index .Values.settings "drain-grace")) | int -}}
{{- add $delay $grace 15 -}}
{{- end -}}
