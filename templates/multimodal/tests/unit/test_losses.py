"""The losses, against what can be worked out by hand."""

import math

import pytest
import torch

from portfolio_project.model import info_nce, siglip

SAME = torch.nn.functional.normalize(torch.ones(4, 8), dim=1)
APART = torch.eye(8)[:4]
SCALE = torch.tensor(10.0)


def test_equal_vectors_give_the_loss_of_guessing():
    assert info_nce(SAME, SAME, SCALE).item() == pytest.approx(math.log(4), abs=1e-5)
    with_wrong = info_nce(SAME, SAME, SCALE, SAME).item()
    assert with_wrong == pytest.approx((math.log(8) + math.log(4)) / 2, abs=1e-5)


def test_partners_that_match_and_others_that_do_not_give_almost_none():
    expected = math.log(1 + 3 * math.exp(-10))
    assert info_nce(APART, APART, SCALE).item() == pytest.approx(expected, abs=1e-6)


def test_a_hard_negative_that_is_as_near_as_the_partner_costs():
    assert info_nce(APART, APART, SCALE, APART).item() > info_nce(APART, APART, SCALE).item() + 0.3


def test_siglip_asks_each_pair_alone():
    bias = torch.tensor(-5.0)
    # On the diagonal the logit is 5 and the answer yes, elsewhere -5 and no: right by as much.
    expected = 4 * math.log(1 + math.exp(-5))
    assert siglip(APART, APART, SCALE, bias).item() == pytest.approx(expected, abs=1e-5)
    assert siglip(APART, APART, SCALE, bias, APART).item() > 1


def test_the_gradient_pulls_partners_together():
    first = torch.nn.functional.normalize(torch.randn(6, 8, generator=torch.manual_seed(0)), dim=1)
    second = first.roll(1, 0).clone().requires_grad_()
    info_nce(first, second, SCALE).backward()
    assert second.grad is not None
    assert ((second.grad * first).sum(1) < 0).all()
