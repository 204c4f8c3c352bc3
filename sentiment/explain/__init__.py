"""Why a review got its probability, and what each part of a network does."""
