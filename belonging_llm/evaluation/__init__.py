"""Agreement statistics: what may be said of coders, people and models, and what may not.

Pure numpy and scipy. A statistic that does not exist is an `Estimate` without a value and with a
reason; intervals come from resampling participants.
"""

from belonging_llm.evaluation.agreement import Agreement, CodeAgreement, SingleAgreement, agree
from belonging_llm.evaluation.alpha import Alpha, krippendorff_alpha
from belonging_llm.evaluation.alt_test import AltTest, alternative_annotator_test
from belonging_llm.evaluation.calibration import Calibration, RiskCoverage, calibration, risk_coverage
from belonging_llm.evaluation.estimate import Estimate, Interval, undefined
from belonging_llm.evaluation.gamma import gamma
from belonging_llm.evaluation.grouping import Grouping, Matching, compare, match
from belonging_llm.evaluation.intervals import Intervals, Resampling, bootstrap
from belonging_llm.evaluation.multiplicity import benjamini_yekutieli, holm
from belonging_llm.evaluation.odd_one_out import OddOneOut, odd_one_out
from belonging_llm.evaluation.predictive import Counts, Surprise, counts, surprise
from belonging_llm.evaluation.prevalence import Corrected, design_based, ppi_mean
from belonging_llm.evaluation.ratings import Ratings, ratings
from belonging_llm.evaluation.sample_size import design_effect, segments_for_kappa, segments_for_kappa_clustered
from belonging_llm.evaluation.saturation import Saturation, saturation
from belonging_llm.evaluation.scores import Scores, consensus, scores
from belonging_llm.evaluation.sequential import Watch
from belonging_llm.evaluation.sets import SetAlpha, jaccard_distance, masi_distance, set_alpha
from belonging_llm.evaluation.several_coders import SeveralCoders, fleiss_kappa, randolph_kappa, several_coders
from belonging_llm.evaluation.stability import Flips, Stability, flips, stability
from belonging_llm.evaluation.subgroups import Subgroups, subgroups
from belonging_llm.evaluation.two_coders import NominalPanel, Panel, nominal_panel, panel
from belonging_llm.evaluation.units import CodedSpan, by_character

__all__ = [
    "Agreement",
    "Alpha",
    "AltTest",
    "Calibration",
    "CodeAgreement",
    "CodedSpan",
    "Corrected",
    "Counts",
    "Estimate",
    "Flips",
    "Grouping",
    "Interval",
    "Intervals",
    "Matching",
    "NominalPanel",
    "OddOneOut",
    "Panel",
    "Ratings",
    "Resampling",
    "RiskCoverage",
    "Saturation",
    "Scores",
    "SetAlpha",
    "SeveralCoders",
    "SingleAgreement",
    "Stability",
    "Subgroups",
    "Surprise",
    "Watch",
    "agree",
    "alternative_annotator_test",
    "benjamini_yekutieli",
    "bootstrap",
    "by_character",
    "calibration",
    "compare",
    "consensus",
    "counts",
    "design_based",
    "design_effect",
    "fleiss_kappa",
    "flips",
    "gamma",
    "holm",
    "jaccard_distance",
    "krippendorff_alpha",
    "masi_distance",
    "match",
    "nominal_panel",
    "odd_one_out",
    "panel",
    "ppi_mean",
    "randolph_kappa",
    "ratings",
    "risk_coverage",
    "saturation",
    "scores",
    "segments_for_kappa",
    "segments_for_kappa_clustered",
    "set_alpha",
    "several_coders",
    "stability",
    "subgroups",
    "surprise",
    "undefined",
]
