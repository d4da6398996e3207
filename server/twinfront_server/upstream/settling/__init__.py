"""Settling writes whose answers were lost: was it applied, may it be sent again, or can nobody tell?"""
