"""The pages, one small module each; `belonging_llm.review.registry` lists them."""
