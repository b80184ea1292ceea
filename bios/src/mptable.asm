mp_setup: ret
