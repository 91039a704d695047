//! `CloudFormation`'s intrinsic functions. A node is either a value, or nothing at all (`AWS::NoValue`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::names::{ACCOUNT, Names, PARTITION, REGION, STACK};
use super::parameters::Parameters;
use super::{Error, join};

/// Everything a node of the template may refer to.
#[derive(Debug)]
pub(super) struct Evaluator<'a> {
    pub(super) parameters: &'a Parameters,
    pub(super) conditions: &'a Map<String, Value>,
    pub(super) mappings: &'a Map<String, Value>,
    /// Of the resources there are.
    pub(super) names: &'a Names,
    /// Of the resources written down, those without their condition included.
    pub(super) declared: &'a Names,
}

type Evaluated = Result<Option<Value>, Error>;

impl Evaluator<'_> {
    /// The value of a node, or `None` where the template says `AWS::NoValue`.
    pub(super) fn value(&self, place: &str, node: &Value) -> Evaluated {
        match node {
            Value::Object(object) => match sole_function(object) {
                Some((name, argument)) => self.call(place, name, argument),
                None => self.object(place, object).map(|object| Some(Value::Object(object))),
            },
            Value::Array(items) => self.array(place, items).map(|items| Some(Value::Array(items))),
            plain => Ok(Some(plain.clone())),
        }
    }

    /// Whether a named condition holds.
    pub(super) fn condition(&self, place: &str, name: &str) -> Result<bool, Error> {
        let body = self
            .conditions
            .get(name)
            .ok_or_else(|| Error::new(place, format!("refers to condition {name}, which does not exist")))?;
        self.truth(&join("Conditions", name), body, 0)
    }

    fn object(&self, place: &str, object: &Map<String, Value>) -> Result<Map<String, Value>, Error> {
        let mut evaluated = Map::new();
        for (key, node) in object {
            if let Some(value) = self.value(&join(place, key), node)? {
                evaluated.insert(key.clone(), value);
            }
        }
        Ok(evaluated)
    }

    fn array(&self, place: &str, items: &[Value]) -> Result<Vec<Value>, Error> {
        let mut evaluated = Vec::with_capacity(items.len());
        for (index, node) in items.iter().enumerate() {
            evaluated.extend(self.value(&format!("{place}[{index}]"), node)?);
        }
        Ok(evaluated)
    }

    fn call(&self, place: &str, name: &str, argument: &Value) -> Evaluated {
        match name {
            "Ref" => self.reference(place, text(place, name, argument)?),
            "Fn::GetAtt" => self.attribute(place, argument).map(Some),
            "Fn::Sub" => self.substitute(place, argument).map(Some),
            "Fn::If" => self.choose(place, argument),
            "Fn::Join" => self.join(place, argument).map(Some),
            "Fn::Split" => self.split(place, argument).map(Some),
            "Fn::Select" => self.select(place, argument).map(Some),
            "Fn::FindInMap" => self.find_in_map(place, argument).map(Some),
            other => Err(Error::new(place, format!("unknown intrinsic function {other}"))),
        }
    }

    fn reference(&self, place: &str, name: &str) -> Evaluated {
        let pseudo = match name {
            "AWS::NoValue" => return Ok(None),
            "AWS::Region" => REGION.to_owned(),
            "AWS::AccountId" => ACCOUNT.to_owned(),
            "AWS::Partition" => PARTITION.to_owned(),
            "AWS::StackName" => STACK.to_owned(),
            "AWS::StackId" => format!("arn:{PARTITION}:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/local"),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            name => {
                let found = self.parameters.get(name).cloned();
                let found = found.or_else(|| self.names.reference(name).map(Value::from));
                return found
                    .map(Some)
                    .ok_or_else(|| Error::new(place, format!("refers to {name}, which does not exist")));
            }
        };
        Ok(Some(Value::String(pseudo)))
    }

    fn attribute(&self, place: &str, argument: &Value) -> Result<Value, Error> {
        let path = match argument {
            Value::Array(parts) => parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("."),
            Value::String(path) => path.clone(),
            _ => String::new(),
        };
        let (resource, attribute) =
            path.split_once('.').ok_or_else(|| Error::new(place, "Fn::GetAtt needs a resource and an attribute"))?;
        self.attribute_of(place, resource, attribute).map(Value::String)
    }

    fn attribute_of(&self, place: &str, resource: &str, attribute: &str) -> Result<String, Error> {
        if !self.names.contains(resource) {
            return Err(Error::new(place, format!("refers to {resource}, which does not exist")));
        }
        self.names
            .attribute(resource, attribute)
            .ok_or_else(|| Error::new(place, format!("{resource} has no attribute {attribute}")))
    }

    fn substitute(&self, place: &str, argument: &Value) -> Result<Value, Error> {
        let (pattern, own) = match argument {
            Value::String(pattern) => (pattern.as_str(), Map::new()),
            Value::Array(parts) => match parts.as_slice() {
                [Value::String(pattern), Value::Object(own)] => (pattern.as_str(), self.object(place, own)?),
                _ => return Err(Error::new(place, "Fn::Sub needs a text, or a text and a map")),
            },
            _ => return Err(Error::new(place, "Fn::Sub needs a text, or a text and a map")),
        };
        let mut output = String::new();
        let mut rest = pattern;
        while let Some(start) = rest.find("${") {
            output.push_str(&rest[..start]);
            let end = rest[start..].find('}').ok_or_else(|| Error::new(place, "Fn::Sub: ${ is never closed"))? + start;
            let name = rest[start + 2..end].trim();
            match name.strip_prefix('!') {
                Some(literal) => output.extend(["${", literal, "}"]),
                None => output.push_str(&self.substitution(place, name, &own)?),
            }
            rest = &rest[end + 1..];
        }
        output.push_str(rest);
        Ok(Value::String(output))
    }

    fn substitution(&self, place: &str, name: &str, own: &Map<String, Value>) -> Result<String, Error> {
        if let Some(value) = own.get(name) {
            return scalar(place, value);
        }
        if let Some((resource, attribute)) = name.split_once('.') {
            return self.attribute_of(place, resource, attribute);
        }
        match self.reference(place, name)? {
            Some(value) => scalar(place, &value),
            None => Err(Error::new(place, "AWS::NoValue has no text")),
        }
    }

    fn choose(&self, place: &str, argument: &Value) -> Evaluated {
        let Some([Value::String(condition), then, otherwise]) = argument.as_array().map(Vec::as_slice) else {
            return Err(Error::new(place, "Fn::If needs a condition and two values"));
        };
        let (taken, other) = if self.condition(place, condition)? { (then, otherwise) } else { (otherwise, then) };
        // Both branches are read, so that a mistake in the one not taken shows before it is deployed elsewhere.
        Evaluator { names: self.declared, ..*self }.value(place, other)?;
        self.value(place, taken)
    }

    fn join(&self, place: &str, argument: &Value) -> Result<Value, Error> {
        let Some([Value::String(separator), items]) = argument.as_array().map(Vec::as_slice) else {
            return Err(Error::new(place, "Fn::Join needs a separator and a list"));
        };
        let items = self.list(place, "Fn::Join", items)?;
        let parts = items.iter().map(|item| scalar(place, item)).collect::<Result<Vec<_>, _>>()?;
        Ok(Value::String(parts.join(separator)))
    }

    fn split(&self, place: &str, argument: &Value) -> Result<Value, Error> {
        let Some([Value::String(separator), subject]) = argument.as_array().map(Vec::as_slice) else {
            return Err(Error::new(place, "Fn::Split needs a separator and a text"));
        };
        let subject = self.value(place, subject)?.unwrap_or_default();
        Ok(scalar(place, &subject)?.split(separator.as_str()).map(Value::from).collect())
    }

    fn select(&self, place: &str, argument: &Value) -> Result<Value, Error> {
        let Some([index, items]) = argument.as_array().map(Vec::as_slice) else {
            return Err(Error::new(place, "Fn::Select needs an index and a list"));
        };
        let index = self.value(place, index)?.unwrap_or_default();
        let items = self.list(place, "Fn::Select", items)?;
        let position = scalar(place, &index)?.parse::<usize>().ok();
        position.and_then(|position| items.get(position).cloned()).ok_or_else(|| {
            Error::new(place, format!("Fn::Select: there is no item {index} in a list of {}", items.len()))
        })
    }

    fn find_in_map(&self, place: &str, argument: &Value) -> Result<Value, Error> {
        let keys = self.list(place, "Fn::FindInMap", argument)?;
        let keys = keys.iter().map(|key| scalar(place, key)).collect::<Result<Vec<_>, _>>()?;
        let found = match keys.as_slice() {
            [map, first, second] => {
                self.mappings.get(map).and_then(|map| map.get(first)).and_then(|map| map.get(second))
            }
            _ => None,
        };
        found.cloned().ok_or_else(|| Error::new(place, format!("Fn::FindInMap: nothing at {}", keys.join("."))))
    }

    fn list(&self, place: &str, function: &str, node: &Value) -> Result<Vec<Value>, Error> {
        match self.value(place, node)? {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(Error::new(place, format!("{function} needs a list"))),
        }
    }

    fn truth(&self, place: &str, node: &Value, depth: usize) -> Result<bool, Error> {
        // Deeper than any template; only a condition that refers to itself gets here.
        if depth > 32 {
            return Err(Error::new(place, "refers to itself"));
        }
        let Some((name, argument)) = node.as_object().and_then(sole_function) else {
            return Err(Error::new(place, "is not a condition"));
        };
        let operands = || {
            let list = argument.as_array().ok_or_else(|| Error::new(place, format!("{name} needs a list")))?;
            list.iter().map(|one| self.truth(place, one, depth + 1)).collect::<Result<Vec<_>, _>>()
        };
        match name {
            "Condition" => {
                let other = text(place, name, argument)?;
                let body = self.conditions.get(other);
                let body = body
                    .ok_or_else(|| Error::new(place, format!("refers to condition {other}, which does not exist")))?;
                self.truth(place, body, depth + 1)
            }
            "Fn::Equals" => match self.list(place, name, argument)?.as_slice() {
                [left, right] => Ok(comparable(left) == comparable(right)),
                _ => Err(Error::new(place, "Fn::Equals needs two values")),
            },
            "Fn::Not" => operands().map(|operands| !operands.contains(&true)),
            "Fn::And" => operands().map(|operands| !operands.contains(&false)),
            "Fn::Or" => operands().map(|operands| operands.contains(&true)),
            other => Err(Error::new(place, format!("unknown condition function {other}"))),
        }
    }
}

/// The function an object stands for, if it is one: a single key `Ref`, `Condition` or `Fn::…`.
pub(super) fn sole_function(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = object.iter().next().filter(|_| object.len() == 1)?;
    // `Condition` as an object of one key is also how IAM statements and routes spell their own things.
    let is_function = name == "Ref" || name.starts_with("Fn::") || (name == "Condition" && argument.is_string());
    is_function.then_some((name.as_str(), argument))
}

/// Every condition by name, to be checked whether or not anything uses it.
pub(super) fn check_conditions(evaluator: &Evaluator<'_>) -> Result<BTreeMap<String, bool>, Error> {
    let names = evaluator.conditions.keys();
    names.map(|name| Ok((name.clone(), evaluator.condition(&join("Conditions", name), name)?))).collect()
}

fn text<'a>(place: &str, function: &str, argument: &'a Value) -> Result<&'a str, Error> {
    argument.as_str().ok_or_else(|| Error::new(place, format!("{function} needs a name")))
}

fn comparable(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn scalar(place: &str, value: &Value) -> Result<String, Error> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err(Error::new(place, "needs a text, a number or a truth value here")),
    }
}
