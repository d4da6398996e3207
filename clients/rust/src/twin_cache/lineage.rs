use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value as Json;

use crate::v1::Model;

/// Keeps the models that each model extends, directly or not, with itself among them.
///
/// Models never change, but one can be deleted, and another one be made in its place.
#[derive(Debug, Default)]
pub(super) struct Lineage {
    ancestors: HashMap<String, HashSet<String>>,
    known: HashSet<String>,
}

impl Lineage {
    /// Picks the models that nothing is known of yet, or that may be others by now.
    pub(super) fn unknown<'a>(&self, model_ids: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let unknown = model_ids.into_iter().filter(|&id| !id.is_empty() && !self.known.contains(id));
        unknown.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Notes that all models may be others by now; what was known is kept until it is learnt anew.
    pub(super) fn may_be_others(&mut self) {
        self.known.clear();
    }

    /// Notes what models extend. `wanted` are those that were asked for, of which one that is not there any more has nobody but
    /// itself; `models` are their definitions, and those of all that they depend on.
    pub(super) fn learn(&mut self, wanted: &[String], models: &[Model]) {
        let bases: HashMap<_, _> = models.iter().map(|model| (&model.id, bases_of(&model.dtdl_model))).collect();
        for id in wanted.iter().chain(models.iter().map(|model| &model.id)) {
            let mut found = HashSet::from([id.clone()]);
            let mut open = vec![id.clone()];
            while let Some(next) = open.pop() {
                for base in bases.get(&next).into_iter().flatten() {
                    if found.insert(base.clone()) {
                        open.push(base.clone());
                    }
                }
            }
            self.ancestors.insert(id.clone(), found);
            self.known.insert(id.clone());
        }
    }

    /// Tells whether a model is another one, or extends it.
    pub(super) fn descends(&self, model_id: &str, ancestor: &str) -> bool {
        match self.ancestors.get(model_id) {
            Some(ancestors) => ancestors.contains(ancestor),
            None => model_id == ancestor,
        }
    }
}

/// Reads the ids of the models that an interface extends: one, several, or interfaces in place.
fn bases_of(definition: &str) -> Vec<String> {
    let interface: Json = serde_json::from_str(definition).unwrap_or_default();
    let id_of = |base: &Json| base.as_str().or_else(|| base["@id"].as_str()).map(str::to_owned);
    match &interface["extends"] {
        Json::Array(bases) => bases.iter().filter_map(id_of).collect(),
        base => id_of(base).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(id: &str, extends: &str) -> Model {
        let dtdl_model = format!(r#"{{"@id": "{id}", "extends": {extends}}}"#);
        Model { id: id.into(), dtdl_model, ..Default::default() }
    }

    #[test]
    fn bases_are_one_or_several_or_interfaces_in_place() {
        let mut lineage = Lineage::default();
        let models = [
            model("a", r#""b""#),
            model("b", r#"["c", {"@id": "d"}]"#),
            model("c", "null"),
            model("d", r#"{"@id": "e"}"#),
            model("circle", r#""circle""#),
        ];
        lineage.learn(&["a".into(), "gone".into()], &models);
        for ancestor in ["a", "b", "c", "d", "e"] {
            assert!(lineage.descends("a", ancestor), "{ancestor}");
        }
        assert!(!lineage.descends("c", "a") && lineage.descends("gone", "gone") && lineage.descends("new", "new"));
        assert_eq!(lineage.unknown(["gone", "new", "", "a", "new"]), ["new"]);
        lineage.may_be_others();
        assert_eq!(lineage.unknown(["a", "gone"]), ["a", "gone"]);
        assert!(lineage.descends("a", "e"), "until it is learnt anew");
        lineage.learn(&["a".into()], &[model("a", "[]")]);
        assert!(!lineage.descends("a", "e"));
    }
}
