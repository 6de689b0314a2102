//! Pure decisions: the approval matrix and the permit of the one door
