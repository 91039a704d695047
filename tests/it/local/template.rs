//! The template reader: what it understands, and the one line it says about what it does not.

use std::collections::BTreeMap;
use std::time::Duration;

use local::template::{Redrive, RoutePath, Source, Template};
use serde_json::{Value, json};

fn read(text: &str, parameters: &[(&str, &str)]) -> Result<Template, String> {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let source = Source::parse(text, &parameters).map_err(|error| error.to_string())?;
    source.resolve(source.planned_names()).map_err(|error| error.to_string())
}

/// The value of an output, for a template around it.
fn value(expression: &str) -> Result<Value, String> {
    let text = format!(
        r#"
Parameters:
  Stage: {{ Type: String, Default: dev }}
  Empty: {{ Type: String, Default: "" }}
  Count: {{ Type: Number, Default: 3 }}
  Names: {{ Type: CommaDelimitedList, Default: "a, b,c" }}
Mappings:
  Sizes: {{ dev: {{ memory: 128 }}, prod: {{ memory: 512 }} }}
Conditions:
  IsDev: !Equals [!Ref Stage, dev]
  IsProd: {{ "Fn::Equals": [{{ Ref: Stage }}, prod] }}
  HasEmpty: !Not [!Equals [!Ref Empty, ""]]
  Either: !Or [!Condition IsDev, !Condition IsProd]
  Both: !And [Condition: IsDev, !Not [!Condition HasEmpty]]
Resources:
  Queue: {{ Type: AWS::SQS::Queue, Properties: {{ FifoQueue: true }} }}
  OnlyProd: {{ Type: AWS::SQS::Queue, Condition: IsProd }}
  Logs: {{ Type: AWS::Logs::LogGroup }}
Outputs:
  It: {{ Value: {expression} }}
"#
    );
    Ok(read(&text, &[])?.outputs["It"].clone())
}

#[test]
fn intrinsic_functions_give_what_cloudformation_gives() {
    let arn = "arn:aws:sqs:us-east-1:000000000000:patchbay-Queue.fifo";
    for (expression, expected) in [
        ("!Ref Stage", json!("dev")),
        ("{ Ref: Names }", json!(["a", "b", "c"])),
        ("!Sub '${Stage}-${Count} ${!Kept} ${AWS::Region}'", json!("dev-3 ${Kept} us-east-1")),
        ("!Sub ['${Stage}/${Own}/${Queue.Arn}', { Own: !Join ['+', !Ref Names] }]", json!(format!("dev/a+b+c/{arn}"))),
        ("!GetAtt Queue.Arn", json!(arn)),
        ("{ 'Fn::GetAtt': [Queue, QueueName] }", json!("patchbay-Queue.fifo")),
        ("!If [IsDev, yes it is, no]", json!("yes it is")),
        ("!If [IsProd, 1, [!If [Either, 2, 3], !Ref AWS::NoValue, !If [Both, 4, 5]]]", json!([2, 4])),
        ("{ kept: 1, gone: !If [HasEmpty, 2, !Ref AWS::NoValue] }", json!({ "kept": 1 })),
        ("!Join ['', [a, !Ref Count, !Ref Empty, true]]", json!("a3true")),
        ("!Select [1, !Split ['-', x-y-z]]", json!("y")),
        ("!FindInMap [Sizes, !Ref Stage, memory]", json!(128)),
        (
            "!Sub '${AWS::StackName}.${AWS::AccountId}.${AWS::Partition}.${AWS::URLSuffix}'",
            json!("patchbay.000000000000.aws.amazonaws.com"),
        ),
        ("!If [IsProd, !GetAtt OnlyProd.Arn, none]", json!("none")),
        ("!GetAtt Logs.Arn", json!("arn:aws:local:us-east-1:000000000000:Logs/Arn")),
    ] {
        assert_eq!(value(expression), Ok(expected), "{expression}");
    }
}

#[test]
fn what_cannot_be_resolved_is_named_with_its_place_in_one_line() {
    for (expression, error) in [
        ("!Base64 x", "Outputs.It.Value: unknown intrinsic function Fn::Base64"),
        ("{ a: [0, { 'Fn::ImportValue': x }] }", "Outputs.It.Value.a[1]: unknown intrinsic function Fn::ImportValue"),
        ("!Ref Nobody", "Outputs.It.Value: refers to Nobody, which does not exist"),
        ("!Ref OnlyProd", "Outputs.It.Value: refers to OnlyProd, which does not exist"),
        ("!Sub 'x ${Nobody}'", "Outputs.It.Value: refers to Nobody, which does not exist"),
        ("!Sub '${Queue.Colour}'", "Outputs.It.Value: Queue has no attribute Colour"),
        ("!Sub '${Stage'", "Outputs.It.Value: Fn::Sub: ${ is never closed"),
        ("!GetAtt Queue.Colour", "Outputs.It.Value: Queue has no attribute Colour"),
        ("!GetAtt Stage.Arn", "Outputs.It.Value: refers to Stage, which does not exist"),
        ("!If [Nothing, 1, 2]", "Outputs.It.Value: refers to condition Nothing, which does not exist"),
        ("!If [IsDev, 1, !Ref Nobody]", "Outputs.It.Value: refers to Nobody, which does not exist"),
        ("!Select [9, !Ref Names]", "Outputs.It.Value: Fn::Select: there is no item 9 in a list of 3"),
        ("!FindInMap [Sizes, test, memory]", "Outputs.It.Value: Fn::FindInMap: nothing at Sizes.test.memory"),
        ("!Join ['', !Ref Stage]", "Outputs.It.Value: Fn::Join needs a list"),
    ] {
        assert_eq!(value(expression), Err(error.to_owned()), "{expression}");
    }
}

#[test]
fn a_template_that_means_nothing_is_refused_in_one_line() {
    let function = |properties: &str| {
        format!(
            "Resources: {{ F: {{ Type: AWS::Serverless::Function, Properties: {{ CodeUri: a/b, {properties} }} }} }}"
        )
    };
    for (text, error) in [
        ("Resources: [".to_owned(), "template: not YAML: "),
        ("- a".to_owned(), "template: must be a map"),
        ("Resource: {}".to_owned(), "Resource: is not a section of a template"),
        ("Resources: { X: { Type: AWS::S3::Bucket } }".to_owned(), "Resources.X: type AWS::S3::Bucket is not known to the local stack"),
        ("Resources: { X: { Properties: {} } }".to_owned(), "Resources.X.Type: is missing"),
        ("Resources: { X: { Type: AWS::SQS::Queue, DependsOn: Y } }".to_owned(), "Resources.X.DependsOn: refers to Y, which does not exist"),
        ("Resources: { X: { Type: AWS::SQS::Queue, Condition: Y } }".to_owned(), "Resources.X.Condition: Y does not exist"),
        ("Conditions: { A: !Condition B, B: !Condition A }".to_owned(), "Conditions.A: refers to itself"),
        ("Globals: { Api: {} }\nResources: { X: { Type: AWS::SQS::Queue } }".to_owned(), "Globals.Api: is not known to the local stack"),
        (function("Timeout: soon"), "Resources.F.Properties.Timeout: soon is not a fitting number"),
        (function("Layers: [x]"), "Resources.F.Properties.Layers: is not supported by the local stack"),
        (function("Events: { E: { Type: S3 } }"), "Resources.F.Properties.Events.E.Type: S3 is not known to the local stack"),
        (
            function("Events: { E: { Type: ScheduleV2, Properties: { ScheduleExpression: rate(0 minutes) } } }"),
            "Resources.F.Properties.Events.E.Properties.ScheduleExpression: rate(0 minutes) is no schedule: the number must be above zero",
        ),
        (
            function("Events: { E: { Type: SQS, Properties: { Queue: nowhere } } }"),
            "Resources.F.Properties.Events.E.Properties.Queue: is no queue of this template",
        ),
        (
            function("Events: { A: { Type: HttpApi }, B: { Type: HttpApi } }"),
            "Resources.F.Properties.Events.B.Properties.Path: $default is routed twice",
        ),
        (
            "Resources: { T: { Type: AWS::DynamoDB::Table, Properties: { TableName: x } } }".to_owned(),
            "Resources.T.Properties.TableName: is not supported by the local stack",
        ),
        (
            "Resources: { S: { Type: AWS::SecretsManager::Secret, Properties: { GenerateSecretString: { PasswordLength: 1 } } } }".to_owned(),
            "Resources.S.Properties.GenerateSecretString.PasswordLength: leaves nothing to choose from",
        ),
    ] {
        let refusal = read(&text, &[]).unwrap_err();

        assert!(refusal.starts_with(error) && !refusal.contains('\n'), "{refusal} instead of {error}");
    }
}

#[test]
fn parameters_keep_to_their_rules() {
    let text = r#"
Parameters:
  Needed: { Type: String }
  Word: { Type: String, Default: ab, AllowedPattern: "[a-z]+", ConstraintDescription: lower-case letters }
  Short: { Type: String, Default: abc, MinLength: 2, MaxLength: 3 }
  Choice: { Type: Number, Default: 7, AllowedValues: [1, 7, 30] }
  Many: { Type: Number, Default: 5, MinValue: 1, MaxValue: 10 }
  Origins: { Type: CommaDelimitedList, Default: "", AllowedPattern: "(https://[a-z.]+)?" }
  Secret: { Type: String, Default: x, NoEcho: true }
Resources: { Logs: { Type: AWS::Logs::LogGroup } }
"#;
    let given = |name: &'static str, value: &'static str| read(text, &[("Needed", "x"), (name, value)]).map(|_| ());

    assert_eq!(read(text, &[]).unwrap_err(), "Parameters.Needed: has no default: give it by --param Name=value");
    assert_eq!(given("Origins", "https://a.b,https://c.d"), Ok(()));
    for (name, value, error) in [
        ("Other", "x", "Parameters.Other: given by --param, but the template declares no such"),
        ("Word", "aB", "Parameters.Word: lower-case letters"),
        ("Short", "a", "Parameters.Short: must have at least 2 characters"),
        ("Short", "abcd", "Parameters.Short: must have at most 3 characters"),
        ("Choice", "2", "Parameters.Choice: must be one of 1, 7, 30"),
        ("Many", "11", "Parameters.Many: must be at most 10"),
        ("Many", "x", "Parameters.Many: must be a number"),
        ("Origins", "https://a.b,ftp://c", "Parameters.Origins: must match (https://[a-z.]+)?"),
    ] {
        assert_eq!(given(name, value), Err(error.to_owned()));
    }
}

#[test]
fn globals_are_merged_and_events_become_what_they_mean() {
    let text = r"
Globals:
  Function:
    Timeout: 7
    Environment: { Variables: { EVERYWHERE: a, BOTH: a } }
  HttpApi:
    DefaultRouteSettings: { ThrottlingBurstLimit: 5, ThrottlingRateLimit: 2.5 }
Resources:
  Api: { Type: AWS::Serverless::HttpApi }
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/webhook/
      MemorySize: 256
      Environment: { Variables: { BOTH: b, OWN: 3 } }
      Events:
        Any: { Type: HttpApi, Properties: { ApiId: !Ref Api } }
        Post: { Type: HttpApi, Properties: { ApiId: !Ref Api, Method: post, Path: /x } }
        Work:
          Type: SQS
          Properties:
            Queue: !GetAtt Work.Arn
            BatchSize: 5
            ScalingConfig: { MaximumConcurrency: 4 }
            FunctionResponseTypes: [ReportBatchItemFailures]
        Off: { Type: SQS, Properties: { Queue: !GetAtt Work.Arn, Enabled: false } }
        Feed:
          Type: DynamoDB
          Properties: { Stream: !GetAtt Items.StreamArn, StartingPosition: TRIM_HORIZON, MaximumRetryAttempts: -1 }
  Work:
    Type: AWS::SQS::Queue
    Properties: { RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5 } }
  Dead: { Type: AWS::SQS::Queue }
  Items:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
      StreamSpecification: { StreamViewType: NEW_IMAGE }
      TimeToLiveSpecification: { AttributeName: ttl, Enabled: true }
";
    let template = read(text, &[]).unwrap();

    let function = &template.functions["F"];
    let environment = [("BOTH", "b"), ("EVERYWHERE", "a"), ("OWN", "3")];
    assert_eq!(
        (function.name.as_str(), function.timeout, function.memory_megabytes),
        ("webhook", Duration::from_secs(7), 256)
    );
    assert_eq!(function.environment, environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let api = template.api.as_ref().unwrap();
    assert_eq!((api.throttle.per_second, api.throttle.burst), (Some(2.5), Some(5)));
    let routes: Vec<_> = api.routes.iter().map(|route| route.path.clone()).collect();
    assert_eq!(routes, [RoutePath::Default, RoutePath::Path { method: "POST".to_owned(), path: "/x".to_owned() }]);
    let [mapping] = template.queue_mappings.as_slice() else { panic!("{:?}", template.queue_mappings) };
    assert_eq!((mapping.queue.as_str(), mapping.batch_size, mapping.maximum_concurrency), ("Work", 5, Some(4)));
    assert!(mapping.partial_failures);
    let [stream] = template.stream_mappings.as_slice() else { panic!("{:?}", template.stream_mappings) };
    assert_eq!((stream.table.as_str(), stream.from_start, stream.maximum_retries), ("Items", true, None));
    assert_eq!(template.queues["Work"].redrive, Some(Redrive { target: "Dead".to_owned(), max_receive_count: 5 }));
    assert_eq!(template.tables["Items"].ttl.as_deref(), Some("ttl"));
}

#[test]
fn the_products_own_template_is_understood() {
    let template = Template::read(&tests::template(), &BTreeMap::new()).unwrap();

    for name in ["access", "sweeper"] {
        assert!(template.functions.values().any(|function| function.name == name), "{name}");
    }
    assert_eq!(template.resources["TokenKey"].kind, "AWS::KMS::Key");
}
