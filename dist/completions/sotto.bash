# bash completion for sotto(1)

_sotto()
{
    local cur prev verb i words_seen=()
    COMPREPLY=()
    cur=${COMP_WORDS[COMP_CWORD]}
    prev=${COMP_WORDS[COMP_CWORD-1]}
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == -* ]] || words_seen+=("${COMP_WORDS[i]}")
    done

    case $prev in
        -d|-o) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        -c) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --protection) COMPREPLY=($(compgen -W "required preferred off inherit" -- "$cur")); return ;;
        --media) COMPREPLY=($(compgen -W "relay direct pass inherit" -- "$cur")); return ;;
        --keying) COMPREPLY=($(compgen -W "sdes dtls zrtp mikey inherit" -- "$cur")); return ;;
        --tell) COMPREPLY=($(compgen -W "mark header none inherit" -- "$cur")); return ;;
        --digest) COMPREPLY=($(compgen -W "sha256-first md5-first md5-only" -- "$cur")); return ;;
        --offer) COMPREPLY=($(compgen -W "osrtp savp dtls zrtp mikey" -- "$cur")); return ;;
        --dtmf) COMPREPLY=($(compgen -W "info auto" -- "$cur")); return ;;
        --aes256-name) COMPREPLY=($(compgen -W "AES_256_CM AES_CM_256" -- "$cur")); return ;;
        --leg) COMPREPLY=($(compgen -W "caller callee" -- "$cur")); return ;;
        --announce) COMPREPLY=($(compgen -W "off once always inherit" -- "$cur")); return ;;
        --transport) COMPREPLY=($(compgen -W "tls wss tcp udp ws inherit" -- "$cur")); return ;;
        --suites) COMPREPLY=($(compgen -W "AES_CM_128_HMAC_SHA1_80 AES_CM_128_HMAC_SHA1_32
            AES_256_CM_HMAC_SHA1_80 AES_256_CM_HMAC_SHA1_32 AEAD_AES_128_GCM AEAD_AES_256_GCM
            inherit" -- "$cur")); return ;;
        --codecs) COMPREPLY=($(compgen -W "opus G722 PCMA PCMU L16 inherit" -- "$cur")); return ;;
    esac

    if ((${#words_seen[@]} == 0)); then
        COMPREPLY=($(compgen -W "serve call phone domain user quirk admin cert show explain sas trace reload log help
            --version" -- "$cur"))
        return
    fi
    if ((${#words_seen[@]} == 1)) && [[ $cur != -* ]]; then
        case ${words_seen[0]} in
            domain) COMPREPLY=($(compgen -W "add list set del" -- "$cur")) ;;
            quirk) COMPREPLY=($(compgen -W "list set del" -- "$cur")) ;;
            admin) COMPREPLY=($(compgen -W "add list passwd del" -- "$cur")) ;;
            user) COMPREPLY=($(compgen -W "add list show set del" -- "$cur")) ;;
            cert) COMPREPLY=($(compgen -W "show renew client import del reload" -- "$cur")) ;;
            show) COMPREPLY=($(compgen -W "calls registrations connections listeners certs bans
                roles metrics" -- "$cur")) ;;
            sas) COMPREPLY=($(compgen -W "verify unverify" -- "$cur")) ;;
            trace) COMPREPLY=($(compgen -W "on off" -- "$cur")) ;;
            log) COMPREPLY=($(compgen -W "level" -- "$cur")) ;;
            help) COMPREPLY=($(compgen -W "serve call phone domain user quirk admin cert show explain sas trace reload log" \
                -- "$cur")) ;;
        esac
        return
    fi

    verb="${words_seen[0]} ${words_seen[1]}"
    local policy="--protection --keying --suites --codecs --media --transport --require-peer --any-peer --tell --announce" options="-d --json --help"
    case $verb in
        "domain add"|"domain set") options+=" --default $policy" ;;
        "user add") options+=" --password-stdin --mikey-psk-stdin --new-mikey-psk --mikey-cert --display --max-contacts --no-md5 --disabled $policy" ;;
        "user set") options+=" --password-stdin --new-password --mikey-psk-stdin --new-mikey-psk --no-mikey-psk --mikey-cert --no-mikey-cert --display --max-contacts --md5 --no-md5
            --enable --disable $policy" ;;
        "sas verify"|"sas unverify") options+=" --leg" ;;
        "quirk set") options+=" --digest --offer --crypto-lines --no-aes256 --aes256-name --dtmf" ;;
        "admin add"|"admin passwd") options+=" --password-stdin" ;;
        "user list") options+=" --domain" ;;
        "cert renew") options+=" --force" ;;
        "cert client") options+=" --rsa --p12 -o" ;;
        "cert import") options+=" --domain --force" ;;
        "cert del") options+=" --domain" ;;
        "trace on") options+=" --for" ;;
        "serve "*) options="-c -d --check --help" ;;
    esac
    if [[ $verb == "cert import" && $cur != -* ]]; then
        COMPREPLY=($(compgen -f -- "$cur"))
    elif [[ $verb == "log level" && $cur != -* ]]; then
        COMPREPLY=($(compgen -W "error warn info debug" -- "$cur"))
    else
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
    fi
}
complete -F _sotto sotto
