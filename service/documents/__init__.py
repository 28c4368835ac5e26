"""What is made of answers and articles: references, exports, annotations, verdicts."""
