"""SFT and GRPO stages, the demo and the study."""
