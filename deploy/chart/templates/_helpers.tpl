{{- define "meshwright.labels" -}}
app.kubernetes.io/name: meshwright
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "meshwright.selector" -}}
app.kubernetes.io/name: meshwright
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "meshwright.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end }}

{{- define "meshwright.host" -}}
meshwright.{{ .Release.Namespace }}.svc
{{- end }}
