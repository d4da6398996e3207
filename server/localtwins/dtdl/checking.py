"""What a batch must fulfil as a whole: references lead to the right things, inheritance and components are sound."""
