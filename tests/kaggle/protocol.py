"""The methods of Kaggle's services that the project uses, and no others.

In: the state and a request's fields, checked already. Out: the JSON of the answer, or an `Answer`.
What always holds: a method changes the state only when it answers without an error.
"""

import secrets
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import quote

from tests.kaggle.answers import Answer
from tests.kaggle.contract import COMPETITION, RefusalError
from tests.kaggle.faults import Fault
from tests.kaggle.scoring import ScoringError, rank_teams, score_submission, zip_leaderboard
from tests.kaggle.state import State, Submission, Upload

SITE = "http://localhost"
FIRST_REF = 41_000_000
Fields = dict[str, Any]
Handler = Callable[[State, Fields, Fault | None], Fields | Answer]


def introspect_token(state: State, fields: Fields, fault: Fault | None) -> Fields:
    known = [state.token, *state.access_tokens]
    if fields["token"] not in known or (fault and fault.kind == "expired"):
        return {"active": False}
    return {"active": True, "username": state.username, "clientId": "kagglesdk", "userId": 1}


def generate_access_token(state: State, fields: Fields, _: Fault | None) -> Fields:
    if fields["refreshToken"] != state.refresh_token:
        raise RefusalError(401, "The refresh token is not valid")
    state.access_tokens.append(f"madeupaccess{secrets.token_hex(16)}")
    return {
        "token": state.access_tokens[-1],
        "expiresIn": int(float(fields["expirationDuration"].removesuffix("s"))),
        "userName": state.username,
        "userId": 1,
    }


def list_data_files(state: State, fields: Fields, _: Fault | None) -> Fields:
    with zipfile.ZipFile(BytesIO(state.read_archive())) as archive:
        files = [
            {"name": member.filename, "totalBytes": member.file_size, "creationDate": "2012-07-25"}
            for member in archive.infolist()
        ]
    page, next_token = take_page(files, fields)
    return {"files": page, "nextPageToken": next_token}


def download_data_files(state: State, _: Fields, __: Fault | None) -> Answer:
    state.require_rules()
    signed = f"{SITE}/signed/{COMPETITION}.zip?signature={state.signature}"
    return Answer(302, b"", {"Location": signed})


def start_submission_upload(state: State, fields: Fields, _: Fault | None) -> Fields:
    state.require_rules()
    token = f"blob-{secrets.token_hex(16)}"
    state.uploads[token] = Upload(fields["fileName"], fields["contentLength"])
    return {"token": token, "createUrl": f"{SITE}/upload/{token}"}


def create_submission(state: State, fields: Fields, fault: Fault | None) -> Fields:
    state.require_rules()
    upload = state.uploads.get(fields["blobFileTokens"])
    if upload is None or upload.contents is None or upload.submitted:
        raise RefusalError(400, "The uploaded file was not found, or was submitted already")
    kind = fault.kind if fault else ""
    # By calls, so that no two answers ever name the same one.
    ref = FIRST_REF + state.calls("CreateSubmission")
    if kind == "unlisted":
        return {"message": "Successfully submitted to Digit Recognizer", "ref": ref}
    if state.submitted_today() >= state.daily_limit:
        raise RefusalError(
            400,
            f"Submission not allowed:  Your team has used its daily Submission allowance "
            f"({state.daily_limit}) today, please try again tomorrow UTC.",
        )
    submission = Submission(
        ref=ref,
        description=fields["submissionDescription"],
        file_name=upload.file_name,
        contents=upload.contents,
        polls=None if kind == "pending" else state.pending_polls,
    )
    try:
        submission.score = score_submission(upload.contents, state.answers)
    except ScoringError as error:
        submission.error = str(error)
    if fault and kind == "scoring-error":
        submission.score, submission.error = None, fault.text
    upload.submitted = True
    state.submissions.append(submission)
    return {"message": "Successfully submitted to Digit Recognizer", "ref": ref}


def list_submissions(state: State, fields: Fields, _: Fault | None) -> Fields:
    if (fields["sortBy"], fields["group"]) != ("SUBMISSION_SORT_BY_DATE", "SUBMISSION_GROUP_ALL"):
        raise RefusalError(400, "Only all submissions, by date, are made up here")
    newest_first = sorted(state.submissions, key=lambda one: (one.date, one.ref), reverse=True)
    page, next_token = take_page(newest_first, fields)
    return {"submissions": [_show(state, one) for one in page], "nextPageToken": next_token}


def get_submission(state: State, fields: Fields, _: Fault | None) -> Fields:
    for submission in state.submissions:
        if submission.ref == fields["ref"]:
            return _show(state, submission)
    raise RefusalError(404, "Submission not found")


def _show(state: State, submission: Submission) -> Fields:
    if submission.status == "PENDING" and submission.polls is not None:
        if submission.polls == 0:
            state.settle(submission)
        submission.polls -= 1
    return {
        "ref": submission.ref,
        "totalBytes": len(submission.contents),
        "date": _date(submission.date),
        "description": submission.description,
        "fileName": submission.file_name,
        "status": submission.status,
        "publicScore": submission.public_score,
        "privateScore": "",
        "errorDescription": submission.error if submission.status == "ERROR" else "",
        "submittedBy": state.username,
        "teamName": state.username,
        "url": f"https://www.kaggle.com/submissions/{submission.ref}/{submission.ref}.raw",
    }


def get_submission_limits(state: State, _: Fields, __: Fault | None) -> Fields:
    if not state.rules_accepted:
        return {"numToday": 0, "numTotal": 0, "numAllowedNow": 0, "limitedByTotal": False}
    today = state.submitted_today()
    return {
        "numToday": today,
        "numTotal": len(state.submissions),
        "numAllowedNow": max(0, state.daily_limit - today),
        "limitedByTotal": False,
    }


def get_competition(state: State, _: Fields, __: Fault | None) -> Fields:
    return {
        "id": 3004,
        "ref": f"https://www.kaggle.com/competitions/{COMPETITION}",
        "title": "Digit Recognizer",
        "category": "Getting Started",
        "evaluationMetric": "Categorization Accuracy",
        "maxDailySubmissions": state.daily_limit,
        "teamCount": len(state.leaderboard),
        "userHasEntered": state.rules_accepted,
        "isKernelsSubmissionsOnly": False,
        "submissionsDisabled": False,
    }


def get_leaderboard(state: State, fields: Fields, _: Fault | None) -> Fields:
    now = _date(datetime.now(UTC))
    rows = [
        {"teamId": rank, "teamName": team, "submissionDate": now, "score": f"{score:.5f}"}
        for rank, (team, score) in enumerate(rank_teams(state.leaderboard), start=1001)
    ]
    page, next_token = take_page(rows, fields)
    return {"submissions": page, "nextPageToken": next_token}


def download_leaderboard(state: State, _: Fields, __: Fault | None) -> Answer:
    return Answer(200, zip_leaderboard(state.leaderboard), {"Content-Type": "application/zip"})


def save_kernel(state: State, fields: Fields, _: Fault | None) -> Fields:
    owner, _slash, slug = fields["slug"].partition("/")
    if owner != state.username or not slug:
        raise RefusalError(403, "Permission 'kernels.update' was denied")
    if (fields["language"], fields["kernelType"]) not in (
        ("python", "script"),
        ("python", "notebook"),
    ):
        raise RefusalError(400, f"Cannot run a {fields['kernelType']} in {fields['language']}")
    wrong = [name for name in fields["competitionDataSources"] if name != COMPETITION]
    state.kernel.saved.append(fields)
    state.kernel.asked = 0
    return {
        "ref": f"/code/{fields['slug']}",
        "url": f"https://www.kaggle.com/code/{fields['slug']}",
        "versionNumber": len(state.kernel.saved),
        "kernelId": 1,
        "invalidCompetitionSources": wrong,
    }


def get_kernel_session_status(state: State, fields: Fields, _: Fault | None) -> Fields:
    kernel = state.kernel
    _require_kernel(state, fields)
    status = kernel.statuses[min(kernel.asked, len(kernel.statuses) - 1)]
    kernel.asked += 1
    return {
        "status": status,
        "failureMessage": kernel.failure_message if status == "ERROR" else "",
    }


def list_kernel_session_output(state: State, fields: Fields, _: Fault | None) -> Fields:
    _require_kernel(state, fields)
    files = [
        {"fileName": name, "url": f"{SITE}/output/{quote(name)}?signature={state.signature}"}
        for name in state.kernel.files
    ]
    page, next_token = take_page(files, fields)
    return {"files": page, "log": state.kernel.log, "nextPageToken": next_token}


def _require_kernel(state: State, fields: Fields) -> None:
    if f"{fields['userName']}/{fields['kernelSlug']}" != state.kernel.slug:
        raise RefusalError(403, "Permission 'kernels.get' was denied")


def take_page(items: list[Any], fields: Fields) -> tuple[list[Any], str]:
    """Return the page that a token or else a number names, and the token of the next one."""
    size = fields["pageSize"]
    if not 1 <= size <= 200:
        raise RefusalError(400, f"pageSize must be 1 to 200, not {size}")
    prefix, _, place = (fields["pageToken"] or "after-0").partition("-")
    if prefix != "after" or not place.isdigit():
        raise RefusalError(400, "Unknown pageToken")
    start = int(place) if fields["pageToken"] else size * (fields.get("page", 1) - 1)
    end = start + size
    return items[start:end], f"after-{end}" if end < len(items) else ""


def _date(moment: datetime) -> str:
    """As Kaggle writes it: in UTC, to the tenth of a microsecond."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}0Z"


HANDLERS: dict[str, Handler] = {
    "IntrospectToken": introspect_token,
    "GenerateAccessToken": generate_access_token,
    "ListDataFiles": list_data_files,
    "DownloadDataFiles": download_data_files,
    "StartSubmissionUpload": start_submission_upload,
    "CreateSubmission": create_submission,
    "ListSubmissions": list_submissions,
    "GetSubmission": get_submission,
    "GetSubmissionLimits": get_submission_limits,
    "GetCompetition": get_competition,
    "GetLeaderboard": get_leaderboard,
    "DownloadLeaderboard": download_leaderboard,
    "SaveKernel": save_kernel,
    "GetKernelSessionStatus": get_kernel_session_status,
    "ListKernelSessionOutput": list_kernel_session_output,
}
