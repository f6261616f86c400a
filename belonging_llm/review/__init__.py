"""The review application: people code blind, settle what they disagree on, and check what the model did."""

from __future__ import annotations
