"""The picture tower: what it tells apart before it has learned anything, and what it must not."""

import pytest
import torch

from portfolio_project.model.image import ImageTower, pooled


@pytest.fixture
def tower():
    torch.manual_seed(0)
    return ImageTower(side=64, width=8, dim=32).eval()


def picture(row, column):
    """A white square on grey, its upper left corner at a place."""
    seen = torch.full((1, 64, 64, 3), 60, dtype=torch.uint8)
    seen[:, row : row + 16, column : column + 16] = 240
    return seen


def test_light_that_is_half_as_bright_changes_next_to_nothing(tower):
    bright = picture(8, 8)
    told = torch.nn.functional.cosine_similarity(tower(bright), tower(bright // 2))
    assert told.item() > 0.999


def test_a_black_picture_has_a_vector(tower):
    assert tower(torch.zeros(1, 64, 64, 3, dtype=torch.uint8)).isfinite().all()


@pytest.mark.parametrize(("here", "there"), [((24, 4), (24, 44)), ((4, 24), (44, 24))])
def test_an_untrained_tower_tells_sides_apart(tower, here, there):
    """Without that, neither text nor picture has a reason to begin with relations."""
    first, second, nearby = tower(picture(*here)), tower(picture(*there)), tower(picture(24, 24))
    spread = (first - second).norm()
    assert spread > 0.1 * nearby.norm()


def test_moments_grow_to_the_right_and_down():
    seen = torch.zeros(3, 1, 8, 8)
    seen[0, 0, 4, 1] = seen[1, 0, 4, 6] = seen[2, 0, 7, 1] = 1
    _, _, across, down = pooled(seen).unbind(1)
    assert across[1] > across[0] == across[2]
    assert down[2] > down[0] == down[1]
