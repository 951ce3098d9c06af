"""What identifies a person, or opens a door: found with as few false alarms as digits and words allow."""
