package envoy.authz

default allow := false

allow if input.attributes.contextExtensions.action == "twins.read"

allow if {
	input.attributes.source.principal == "dispatcher"
	startswith(input.attributes.contextExtensions.digital_twin_id, "plant-7-")
}
