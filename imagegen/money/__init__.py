"""What a call costs: before it a range from the catalogue, after it what the provider counted, each with its source."""

from imagegen.money.amounts import patch_tokens
from imagegen.money.cheapest import Offer, cheapest
from imagegen.money.cost import add_costs, price_after, price_before, price_of_words

__all__ = ["Offer", "add_costs", "cheapest", "patch_tokens", "price_after", "price_before", "price_of_words"]
