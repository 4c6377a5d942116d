{{/* The release's name, with the chart's in it. */}}
{{- define "udev-device-plugin.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if contains .Chart.Name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* By which the release's pods are known. */}}
{{- define "udev-device-plugin.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "udev-device-plugin.labels" -}}
{{ include "udev-device-plugin.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* A digest needs no tag. */}}
{{- define "udev-device-plugin.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}{{ with .Values.image.tag }}:{{ . }}{{ end }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* Of listen: empty, if there is none. */}}
{{- define "udev-device-plugin.port" -}}
{{ regexFind "[0-9]+$" .Values.listen }}
{{- end }}

{{/* Of what Prometheus reads. */}}
{{- define "udev-device-plugin.metricsPort" -}}
{{ include "udev-device-plugin.port" . | required "listen: it is empty, so there are no metrics; set it, or disable the monitors" }}
{{- end }}

{{/* A probe asks the pod's address, unless the program listens to one alone. */}}
{{- define "udev-device-plugin.probe" -}}
{{- $host := regexReplaceAll ":[0-9]+$" .root.Values.listen "" | trimPrefix "[" | trimSuffix "]" -}}
path: {{ .path }}
port: http
{{- if not (has $host (list "" "0.0.0.0" "::")) }}
{{- if not .root.Values.hostNetwork }}
{{- fail (printf "listen: %s is an address of the host's network, and hostNetwork is false; use :PORT" .root.Values.listen) }}
{{- end }}
host: {{ $host | quote }}
{{- end }}
{{- end }}
