package main

// Units as Grafana names them.
const (
	seconds    = "s"
	ratio      = "percentunit"
	perSecond  = "reqps"
	records    = "short"
	dollars    = "currencyUSD"
	yesNo      = "bool"
	searches   = "short"
	noDecimals = "none"
)

// Kinds of panels.
const (
	lines = "timeseries"
	one   = "stat"
	bars  = "bargauge"
)

// board is a dashboard.
type board struct {
	uid, title, about string
	variables         []variable
	rows              []row
}

// variable is a choice of the reader: the values of a label.
type variable struct{ name, label, values string }

type row struct {
	question string
	panels   []panel
}

// panel shows queries. Its width is in 24ths of the screen.
type panel struct {
	title, about, kind, unit string
	width                    int
	queries                  []query
}

// query is PromQL, and how its series are called.
type query struct{ expr, legend string }

func (b board) file() string { return b.uid + ".json" }

const (
	columns      = 24
	rowHeight    = 1
	panelHeight  = 8
	schema       = 41 // of Grafana 12
	refreshEvery = "30s"
)

type object = map[string]any

// source is the reader's choice of a Prometheus server.
func source() object { return object{"type": "prometheus", "uid": "${datasource}"} }

func (b board) grafana() object {
	return object{
		"uid": b.uid, "title": b.title, "description": b.about, "tags": []string{"pfr"},
		"schemaVersion": schema, "version": 1, "editable": true, "graphTooltip": 1,
		"timezone": "utc", "refresh": refreshEvery, "time": object{"from": "now-6h", "to": "now"},
		"templating": object{"list": b.choices()},
		"panels":     b.panels(),
	}
}

func (b board) choices() []object {
	list := []object{{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}}
	for _, v := range b.variables {
		list = append(list, object{
			"name": v.name, "label": v.label, "type": "query", "datasource": source(),
			"query":   object{"query": v.values, "refId": v.name},
			"refresh": 2, "multi": true, "includeAll": true, "allValue": ".*", "sort": 1,
			"current": object{"text": "All", "value": "$__all"},
		})
	}
	return list
}

// panels lays the rows out from top to bottom.
func (b board) panels() []object {
	var out []object
	y := 0
	for _, r := range b.rows {
		out = append(out, object{
			"id": len(out) + 1, "type": "row", "title": r.question, "collapsed": false, "panels": []object{},
			"gridPos": object{"x": 0, "y": y, "w": columns, "h": rowHeight},
		})
		y += rowHeight
		x := 0
		for _, p := range r.panels {
			if x+p.width > columns {
				x, y = 0, y+panelHeight
			}
			out = append(out, p.grafana(len(out)+1, x, y))
			x += p.width
		}
		y += panelHeight
	}
	return out
}

func (p panel) grafana(id, x, y int) object {
	var targets []object
	for i, q := range p.queries {
		targets = append(targets, object{
			"refId": string(rune('A' + i)), "datasource": source(), "expr": q.expr, "legendFormat": q.legend, "range": true,
		})
	}
	return object{
		"id": id, "type": p.kind, "title": p.title, "description": p.about, "datasource": source(),
		"gridPos":     object{"x": x, "y": y, "w": p.width, "h": panelHeight},
		"fieldConfig": object{"defaults": object{"unit": p.unit, "min": 0}, "overrides": []object{}},
		"options":     object{"legend": object{"displayMode": "list", "placement": "bottom"}},
		"targets":     targets,
	}
}
