package twinfront

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

//go:embed service_config.json
var serviceConfigJSON []byte

// serviceConfig is shared by all clients: it says which calls are sent again, and how long a call without a deadline may
// take.
type serviceConfig struct {
	// channel is the config without timeouts. With them the connection would cut calls off at them, even if the caller
	// gave them longer.
	channel string
	// timeouts has those of the config, by "/service/method"; methods that are not in it have none.
	timeouts map[string]time.Duration
}

var sharedConfig = sync.OnceValue(func() serviceConfig {
	config, err := parseServiceConfig(serviceConfigJSON)
	if err != nil {
		panic("twinfront: the embedded service config: " + err.Error())
	}
	return config
})

func parseServiceConfig(text []byte) (serviceConfig, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return serviceConfig{}, err
	}
	var groups []map[string]json.RawMessage
	if err := json.Unmarshal(members["methodConfig"], &groups); err != nil {
		return serviceConfig{}, err
	}
	timeouts := map[string]time.Duration{}
	for _, group := range groups {
		if group["timeout"] == nil {
			continue
		}
		var timeout string
		var names []struct{ Service, Method string }
		if err := json.Unmarshal(group["timeout"], &timeout); err != nil {
			return serviceConfig{}, err
		}
		if err := json.Unmarshal(group["name"], &names); err != nil {
			return serviceConfig{}, err
		}
		duration, err := time.ParseDuration(timeout)
		if err != nil {
			return serviceConfig{}, err
		}
		for _, name := range names {
			timeouts[fmt.Sprintf("/%s/%s", name.Service, name.Method)] = duration
		}
		delete(group, "timeout")
	}
	var err error
	if members["methodConfig"], err = json.Marshal(groups); err != nil {
		return serviceConfig{}, err
	}
	channel, err := json.Marshal(members)
	return serviceConfig{string(channel), timeouts}, err
}
