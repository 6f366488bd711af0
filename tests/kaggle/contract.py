"""What each request of Kaggle's client must look like: its service, its fields and their types.

In: a method's name and the JSON that came. Out: the same JSON with omitted fields filled in. What
always holds: a field that is missing, unknown or of another type is refused with status 400.

The client leaves out fields that have their default value, so a field is required here only where
its default makes no sense.
"""

from dataclasses import dataclass, field
from typing import Any

COMPETITION = "digit-recognizer"
# Requests for files, which have an address instead of a method.
PLACES = ("Download", "Upload", "Output")


class RefusalError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


@dataclass(frozen=True)
class Method:
    service: str
    required: dict[str, type] = field(default_factory=dict)
    # Each with the value that its absence stands for; the value's type is the field's.
    optional: dict[str, Any] = field(default_factory=dict)
    signed_in: bool = True


def _competition(required: dict[str, type] | None = None, **optional: Any) -> Method:
    return Method(
        "competitions.CompetitionApiService",
        {"competitionName": str, **(required or {})},
        optional,
    )


_KERNELS = "kernels.KernelsApiService"
_PAGE = {"pageSize": 20, "pageToken": ""}
_SESSION: dict[str, type] = {"userName": str, "kernelSlug": str}

METHODS = {
    "IntrospectToken": Method("security.OAuthService", {"token": str}, signed_in=False),
    "GenerateAccessToken": Method(
        "users.AccountService",
        {"refreshToken": str, "apiVersion": str, "expirationDuration": str},
        signed_in=False,
    ),
    "ListDataFiles": _competition(**_PAGE),
    "DownloadDataFiles": _competition(),
    "StartSubmissionUpload": _competition(
        {"fileName": str}, contentLength=0, lastModifiedEpochSeconds=0
    ),
    "CreateSubmission": _competition({"blobFileTokens": str}, submissionDescription=""),
    "ListSubmissions": _competition(
        page=1, sortBy="SUBMISSION_SORT_BY_DATE", group="SUBMISSION_GROUP_ALL", **_PAGE
    ),
    "GetSubmission": Method("competitions.CompetitionApiService", {"ref": int}),
    "GetSubmissionLimits": _competition(),
    "GetCompetition": _competition(),
    "GetLeaderboard": _competition(**_PAGE),
    "DownloadLeaderboard": _competition(),
    "SaveKernel": Method(
        _KERNELS,
        {"slug": str, "newTitle": str, "text": str, "language": str, "kernelType": str},
        {
            "id": 0,
            "datasetDataSources": [],
            "kernelDataSources": [],
            "competitionDataSources": [],
            "modelDataSources": [],
            "categoryIds": [],
            "isPrivate": True,
            "enableGpu": False,
            "enableTpu": False,
            "enableInternet": True,
            "sessionTimeoutSeconds": 0,
            "dockerImage": "",
            "dockerImagePinningType": "",
            "machineShape": "",
        },
    ),
    "GetKernelSessionStatus": Method(_KERNELS, _SESSION, {"versionLabel": ""}),
    "ListKernelSessionOutput": Method(_KERNELS, _SESSION, {"versionLabel": "", **_PAGE}),
}


def require_fields(name: str, sent: Any) -> dict[str, Any]:
    """Return the fields of a well-formed request, with the omitted ones."""
    method = METHODS[name]
    if not isinstance(sent, dict):
        raise RefusalError(400, f"{name}: the body is not a JSON object")
    types = {**method.required, **{key: type(value) for key, value in method.optional.items()}}
    for key, value in sent.items():
        if key not in types:
            raise RefusalError(400, f"{name}: unknown field {key}")
        # `type() is`, because a bool would pass as an int.
        if type(value) is not types[key]:
            raise RefusalError(400, f"{name}: {key} is not of type {types[key].__name__}")
    for key in method.required:
        if key not in sent:
            raise RefusalError(400, f"{name}: missing field {key}")
    if sent.get("competitionName", COMPETITION) != COMPETITION:
        raise RefusalError(404, "Competition not found")
    return {**method.optional, **sent}
