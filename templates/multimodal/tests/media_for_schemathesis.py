"""Tells Schemathesis what a picture and a sound are, so that it sends some that are taken."""

import schemathesis
from hypothesis import strategies

from portfolio_project.api.examples import PICTURE, SOUND

schemathesis.openapi.format("picture", strategies.just(PICTURE))
schemathesis.openapi.format("sound", strategies.just(SOUND))
