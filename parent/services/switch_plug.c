#include "parent/services/switch_plug.h"

#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/net/address.h"
#include "parent/services/network.h"

#define RANDOM_TRIES 8 /* for an address that no other port has */
#define MAC_LOCAL 0x02 /* first byte of an address that no maker has given: IEEE 802 */

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse_mac(const char *text, struct mac_address *mac)
{
    for (unsigned i = 0; i < MAC_SIZE; i++, text += 3) {
        int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);

        if (low < 0 || text[2] != (i + 1 < MAC_SIZE ? ':' : '\0'))
            return false;
        mac->bytes[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

/* The second byte is not 0 either: Linux' driver for the 21140 takes 02:00 for the sign of a card
 * whose address is stored with its bytes exchanged. */
static void random_mac(struct mac_address *mac)
{
    uint64_t number = (uint64_t)network_random() << 32 | network_random();

    memcpy(mac->bytes, &number, MAC_SIZE);
    mac->bytes[0] = MAC_LOCAL;
    mac->bytes[1] |= 1;
}

/* Takes the words apart, and finds the switch. @mac: text behind the comma, or NULL. */
static struct virtual_switch *find_switch(const char *command, const char *word, const char **mac)
{
    struct virtual_switch *net = NULL;
    char name[VIRTUAL_SWITCH_NAME_SIZE];
    size_t length = 0;

    while (word[length] != '\0' && word[length] != ',')
        length++;
    *mac = word[length] == ',' ? word + length + 1 : NULL;
    if (length < sizeof(name)) {
        memcpy(name, word, length);
        name[length] = '\0';
        net = virtual_switch_get(name);
    }
    if (net == NULL)
        command_failed(command, "switch list shows all", "%.*s: there is no such switch",
                       (int)length, word);
    return net;
}

/* Connects with the address in @mac, or any. */
static bool connect(const char *command, struct virtual_switch *net, struct switch_port *port,
                    const char *mac)
{
    if (mac != NULL && (!parse_mac(mac, &port->mac) || !mac_unicast(&port->mac)))
        return command_failed(command, "02:15:5d:00:00:01 is one",
                              "%s: this is no address of a network adapter", mac);
    for (unsigned i = 0; i < (mac != NULL ? 1 : RANDOM_TRIES); i++) {
        if (mac == NULL)
            random_mac(&port->mac);
        if (virtual_switch_connect(net, port))
            return true;
    }
    return command_failed(command, "switch stats shows the ports",
                          "the switch has no free port, or another port has the address");
}

bool switch_plug(const char *command, const char *word, struct switch_port *port,
                 struct virtual_switch **net)
{
    const char *mac;
    struct virtual_switch *found = find_switch(command, word, &mac);

    if (found == NULL)
        return false;
    if (!connect(command, found, port, mac)) {
        virtual_switch_put(found);
        return false;
    }
    *net = found;
    return true;
}
