/** An invented merchant, and what the bank says of paying it. */
export interface Merchant {
  name: string
  entity: string
  channel: 'online' | 'in store' | 'ach' | 'other'
  primary: string
  detailed: string
}

function group(
  channel: Merchant['channel'],
  primary: string,
  detail: string,
  prefix: string,
  names: readonly string[],
): Merchant[] {
  return names.map((name, index) => ({
    name,
    entity: `${prefix}-${index + 1}`,
    channel,
    primary,
    detailed: `${primary}_${detail}`,
  }))
}

export const groceries = group('in store', 'FOOD_AND_DRINK', 'GROCERIES', 'gro', [
  'Green Basket Market',
  'Corner Pantry',
  'Harvest Aisle',
  'Daily Loaf Foods',
  'Bulk Barn Example',
])
export const restaurants = group('in store', 'FOOD_AND_DRINK', 'RESTAURANT', 'res', [
  'Noodle Placeholder',
  'The Sample Plate',
  'Taco Template',
  'Pizza Prototype',
  'Demo Diner',
  'Curry Case',
  'Burger Boilerplate',
])
export const coffee = group('in store', 'FOOD_AND_DRINK', 'COFFEE', 'cof', [
  'Mock Mocha',
  'Bean Draft',
  'Steam Test',
])
export const transport = [
  ...group('in store', 'TRANSPORTATION', 'GAS', 'gas', ['Fuel Fixture', 'Pump Sample', 'Roadside Demo']),
  ...group('online', 'TRANSPORTATION', 'TAXIS_AND_RIDE_SHARES', 'ride', ['Ride Example', 'Cab Mockup']),
]
export const shops = [
  ...group('online', 'GENERAL_MERCHANDISE', 'ONLINE_MARKETPLACES', 'onl', [
    'Parcel Placeholder',
    'Cart Example',
  ]),
  ...group('in store', 'GENERAL_MERCHANDISE', 'CLOTHING_AND_ACCESSORIES', 'clo', [
    'Stitch Sample',
    'Denim Draft',
  ]),
  ...group('in store', 'HOME_IMPROVEMENT', 'HARDWARE', 'har', ['Nut and Bolt Demo']),
  ...group('in store', 'MEDICAL', 'PHARMACIES_AND_SUPPLEMENTS', 'pha', ['Pill Pattern Pharmacy']),
]
export const subscriptions = [
  ...group('online', 'ENTERTAINMENT', 'TV_AND_MOVIES', 'tv', ['Streamsample', 'Mockflicks', 'Demo Plus']),
  ...group('online', 'ENTERTAINMENT', 'MUSIC_AND_AUDIO', 'mus', ['Tunetest', 'Podplaceholder']),
  ...group('online', 'GENERAL_SERVICES', 'OTHER_GENERAL_SERVICES', 'app', [
    'Cloud Cupboard',
    'Notes Notional',
  ]),
  ...group('online', 'PERSONAL_CARE', 'GYMS_AND_FITNESS_CENTERS', 'gym', ['Fixture Fitness', 'Sample Yoga']),
  ...group('online', 'FOOD_AND_DRINK', 'OTHER_FOOD_AND_DRINK', 'box', ['Meal Kit Mock']),
]
export const electricity = group('ach', 'RENT_AND_UTILITIES', 'GAS_AND_ELECTRICITY', 'ele', [
  'Example Electric',
])
export const internet = group('ach', 'RENT_AND_UTILITIES', 'INTERNET_AND_CABLE', 'net', ['Placeholder Fibre'])
export const phone = group('ach', 'RENT_AND_UTILITIES', 'TELEPHONE', 'tel', ['Sample Mobile'])
export const landlords = group('ach', 'RENT_AND_UTILITIES', 'RENT', 'ren', [
  'Maple Court Example Homes',
  'Prototype Properties',
  'Template Towers',
])
export const employers = group('ach', 'INCOME', 'WAGES', 'emp', [
  'Example Works Payroll',
  'Sample County Payroll',
  'Placeholder Foods Payroll',
  'Mock Logistics Payroll',
  'Demo Health Payroll',
])
export const clients = group('ach', 'INCOME', 'OTHER_INCOME', 'cli', [
  'Client Alpha Example',
  'Client Beta Example',
  'Client Gamma Example',
])
export const mortgageLender = group('ach', 'LOAN_PAYMENTS', 'MORTGAGE_PAYMENT', 'mor', [
  'Example Home Lending',
])
export const studentLender = group('ach', 'LOAN_PAYMENTS', 'STUDENT_LOAN_PAYMENT', 'stu', [
  'Sample Student Servicing',
])
