"""The HTTP side: routes of `bedrock` and `bedrock-runtime`, faults, and answers checked against botocore's shapes."""

import json
import re
import socket
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.session
from botocore.validate import ParamValidator

from tests.standin import batch, chat, embed, rules
from tests.standin.rules import Refused
from tests.standin.world import ACCOUNT, REGION, Fault, World

PAGE = 50


@lru_cache
def _services() -> Mapping[str, Any]:
    session = botocore.session.get_session()
    return {name: session.get_service_model(name) for name in ("bedrock", "bedrock-runtime", "service-quotas")}


def check_shape(service: str, operation: str, answer: Mapping[str, Any]) -> None:
    """Fail loudly if an answer is not what botocore's own model of the operation says."""
    shape = _services()[service].operation_model(operation).output_shape
    if shape is None or operation == "InvokeModel":
        return
    if set(answer) - set(shape.members):
        raise AssertionError(f"{operation} has no members {set(answer) - set(shape.members)}")
    report = ParamValidator().validate(answer, shape)
    if report.has_errors():
        raise AssertionError(f"{operation}: {report.generate_report()}")


class Call:
    """One request: what was asked, and what the route found in its path."""

    def __init__(self, world: World, found: Mapping[str, str], query: Mapping[str, str], body: bytes) -> None:
        self.world, self.found, self.query, self.raw = world, found, query, body
        self.headers: dict[str, str] = {}
        self.region = REGION
        self.tier = "default"
        self.fault: Fault | None = None

    @property
    def body(self) -> dict[str, Any]:
        try:
            parsed = json.loads(self.raw or b"{}")
        except ValueError as exc:
            raise rules.invalid("Malformed input request, please reformat your input and try again.") from exc
        if not isinstance(parsed, dict):
            raise rules.invalid("Malformed input request: expected type: JSONObject")
        return parsed


def denied(action: str) -> Refused:
    """As AWS denies what no policy allows."""
    who = f"arn:aws:iam::{ACCOUNT}:user/app"
    reason = f"because no identity-based policy allows the {action} action"
    return Refused("AccessDeniedException", f"User: {who} is not authorized to perform: {action} {reason}", 403)


def converse(call: Call) -> dict[str, Any]:
    body = call.body
    tier = (body.pop("serviceTier", None) or {}).get("type", "default")
    rules.check_region(call.found["id"], call.region)
    said = chat.answer(call.world, call.found["id"], body, is_native=False, tier=tier, fault=call.fault)
    return {**said, "serviceTier": {"type": tier}} if tier != "default" else said


def invoke(call: Call) -> dict[str, Any]:
    model = rules.model_called(call.found["id"])
    rules.check_region(call.found["id"], call.region)
    if model.kind == "embed":
        said, call.headers = embed.invoke(call.world, call.found["id"], call.body)
        return said
    return chat.answer(call.world, call.found["id"], call.body, is_native=True, tier=call.tier, fault=call.fault)


def list_jobs(call: Call) -> dict[str, Any]:
    found = sorted(batch.jobs(call.world), key=lambda job: job.submitted, reverse=True)
    if name := call.query.get("nameContains"):
        found = [job for job in found if name in job.asked["jobName"]]
    if status := call.query.get("statusEquals"):
        found = [job for job in found if job.status == status]
    if since := call.query.get("submitTimeAfter"):
        found = [job for job in found if job.submitted > datetime.fromisoformat(since.replace("Z", "+00:00"))]
    start, size = int(call.query.get("nextToken", 0)), min(PAGE, int(call.query.get("maxResults", PAGE)))
    answer: dict[str, Any] = {
        "invocationJobSummaries": [batch.as_answer(job, call.world.ways) for job in found[start : start + size]]
    }
    if len(found) > start + size:
        answer["nextToken"] = str(start + size)
    return answer


def stop_job(call: Call) -> dict[str, Any]:
    batch.stop(call.world, call.found["id"])
    return {}


def foundation_models(call: Call) -> dict[str, Any]:
    def summary(model: rules.Model, names: list[str]) -> dict[str, Any]:
        life: dict[str, Any] = {"status": "LEGACY" if model.ended else "ACTIVE"}
        if model.ended:
            life["endOfLifeTime"] = datetime.fromisoformat("2026-09-14T00:00:00+00:00")
        return {
            "modelArn": f"arn:aws:bedrock:{REGION}::foundation-model/{model.base}",
            "modelId": model.base,
            "providerName": "Amazon",
            "modelLifecycle": life,
            "inferenceTypesSupported": ["ON_DEMAND"] if model.base in names else ["INFERENCE_PROFILE"],
        }

    listed = [(model, rules.offered_in(model, call.region)) for model in rules.MODELS]
    return {"modelSummaries": [summary(model, names) for model, names in listed if names]}


def inference_profiles(call: Call) -> dict[str, Any]:
    pairs = [
        (model, name) for model in rules.MODELS for name in rules.offered_in(model, call.region) if name != model.base
    ]
    return {
        "inferenceProfileSummaries": [
            {
                "inferenceProfileName": name,
                "inferenceProfileArn": f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/{name}",
                "inferenceProfileId": name,
                "models": [{"modelArn": f"arn:aws:bedrock:{REGION}::foundation-model/{model.base}"}],
                "status": "ACTIVE",
                "type": "SYSTEM_DEFINED",
            }
            for model, name in pairs
        ]
    }


def list_quotas(call: Call) -> dict[str, Any]:
    if call.body.get("ServiceCode") != "bedrock":
        raise Refused("NoSuchResourceException", "The request failed because the specified service does not exist.")
    quotas = [
        {
            "ServiceCode": "bedrock",
            "QuotaCode": f"L-{number:08X}",
            "QuotaName": name,
            "Value": value,
            "Adjustable": True,
        }
        for number, (name, value) in enumerate(call.world.quotas.items(), 1)
    ]
    start, size = int(call.body.get("NextToken", 0)), min(PAGE, int(call.body.get("MaxResults", PAGE)))
    answer: dict[str, Any] = {"Quotas": quotas[start : start + size]}
    return {**answer, "NextToken": str(start + size)} if len(quotas) > start + size else answer


#: The IAM action that a call needs where it has not the call's name (service authorization reference, Amazon Bedrock).
ACTIONS = {
    "Converse": "bedrock:InvokeModel",
    "StartAsyncInvoke": "bedrock:InvokeModel",
    "ListServiceQuotas": "servicequotas:ListServiceQuotas",
}
Route = tuple[str, str, str, str, Callable[[Call], dict[str, Any]]]
#: Ids are percent-encoded in the path (an ARN has a slash), so routes match the raw path.
ROUTES: tuple[Route, ...] = (
    ("POST", r"/model/(?P<id>[^/]+)/converse", "bedrock-runtime", "Converse", converse),
    ("POST", r"/model/(?P<id>[^/]+)/invoke", "bedrock-runtime", "InvokeModel", invoke),
    ("POST", r"/async-invoke", "bedrock-runtime", "StartAsyncInvoke", lambda c: embed.start_async(c.world, c.body)),
    ("GET", r"/async-invoke", "bedrock-runtime", "ListAsyncInvokes", lambda c: embed.list_async(c.world, c.query)),
    ("GET", r"/async-invoke/(?P<id>[^/]+)", "bedrock-runtime", "GetAsyncInvoke",
     lambda c: embed.get_async(c.world, c.found["id"])),
    ("POST", r"/model-invocation-job", "bedrock", "CreateModelInvocationJob", lambda c: batch.create(c.world, c.body)),
    ("GET", r"/model-invocation-job/(?P<id>[^/]+)", "bedrock", "GetModelInvocationJob",
     lambda c: batch.as_answer(batch.told(c.world, c.found["id"]), c.world.ways)),
    ("GET", r"/model-invocation-jobs", "bedrock", "ListModelInvocationJobs", list_jobs),
    ("POST", r"/model-invocation-job/(?P<id>[^/]+)/stop", "bedrock", "StopModelInvocationJob", stop_job),
    ("GET", r"/foundation-models", "bedrock", "ListFoundationModels", foundation_models),
    ("GET", r"/inference-profiles", "bedrock", "ListInferenceProfiles", inference_profiles),
    ("POST", r"/", "service-quotas", "ListServiceQuotas", list_quotas),
)  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    """One request, from raw path to answer."""

    protocol_version = "HTTP/1.1"
    world: World

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        return None

    def _serve(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        for method, pattern, service, operation, answer in ROUTES:
            match = re.fullmatch(pattern, url.path)
            if match and method == self.command:
                found = {name: unquote(value) for name, value in match.groupdict().items()}
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                self.world.enter()
                try:
                    self._answer(Call(self.world, found, query, body), service, operation, answer)
                finally:
                    self.world.leave()
                return
        self._say(404, {"message": f"no such operation: {self.command} {url.path}"}, code="UnknownOperationException")

    def _answer(self, call: Call, service: str, operation: str, route: Callable[[Call], dict[str, Any]]) -> None:
        fault = call.fault = self.world.next_fault(operation)
        call.tier = self.headers.get("X-Amzn-Bedrock-Service-Tier", "default")
        signed = re.search(r"Credential=[^/]+/\d+/([\w-]+)/", self.headers.get("Authorization", ""))
        call.region = signed[1] if signed else REGION
        try:
            if fault and fault.delay_s and self.world.stopping.wait(fault.delay_s):
                return self._hang_up()
            if fault and fault.on_call:
                fault.on_call()
            if fault and fault.drop == "before":
                return self._hang_up()
            action = ACTIONS.get(operation, f"bedrock:{operation}")
            if action in self.world.denied:
                raise denied(action)
            if fault and fault.code:
                if self.world.ways.charges_failures and fault.code in rules.MODEL_FAILED:
                    route(call)
                raise Refused(fault.code, fault.message, fault.status)
            if len(call.raw) > rules.MAX_BODY_BYTES:
                raise rules.invalid("The request body exceeds the maximum of 25000000 bytes.")
            said = route(call)
            check_shape(service, operation, said)
            said = chat.vary(self.world, said)
        except Refused as refused:
            return self._say(refused.status, {"message": refused.message}, code=refused.code)
        if fault and fault.drop == "after":
            return self._hang_up()
        return self._say(200, said, headers=call.headers)

    def _say(
        self, status: int, said: Mapping[str, Any], *, code: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        content = json.dumps(said, default=_as_json).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if code:
                self.send_header("x-amzn-ErrorType", code)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client did not wait

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def _as_json(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(type(value))


class Server(ThreadingHTTPServer):
    """The stand-in, in a thread of its own."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, world: World, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), type("WorldHandler", (Handler,), {"world": world}))
        self.world = world
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> "Server":
        self._thread.start()
        return self

    def stop(self) -> None:
        self.world.stopping.set()
        self.shutdown()
        self.server_close()
        self._thread.join(5)
