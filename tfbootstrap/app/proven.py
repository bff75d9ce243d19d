"""The proof that speaks of a lock, and what it says of it."""

from __future__ import annotations

from dataclasses import replace

from tfbootstrap.app.requests import LockOptions
from tfbootstrap.app.targets import matrix_folder
from tfbootstrap.edges.proofs import read_proof
from tfbootstrap.matrix.proofs import Proof
from tfbootstrap.plan.overlay import is_provisioned
from tfbootstrap.plan.proven import proof_for, proof_reason, unproven
from tfbootstrap.plan.records import Admission, Plan


def proof_of(admission: Admission, options: LockOptions) -> Proof | None:
    """Return the proof of the version that would be taken, where one can speak of this runtime and is wanted.

    Raises MatrixError where the proof is not what was proven.
    """
    if options.upgrade or is_provisioned(admission.facts):
        return None  # the newest is asked for, or the image's packages go first
    name = proof_for(admission.candidates[0], admission.facts)
    return read_proof(name, matrix_folder(options.matrix)) if name else None


def told_by(proof: Proof | None, plan: Plan) -> Plan:
    """Return a plan with what a proof says of its pins."""
    if proof is None or plan.pins.get("tensorflow") != proof.tensorflow:
        return plan
    different = unproven(plan.pins, proof)
    reasons = (*plan.reasons, proof_reason(proof, different))
    return replace(plan, reasons=reasons, proven=proof.proven, unproven=different)
